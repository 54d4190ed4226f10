"""What AWS documents, asked of the embedded AWS from outside; the table of docs/fidelity.md is made of these tests."""
