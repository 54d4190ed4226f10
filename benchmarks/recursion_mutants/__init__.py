"""How many small mistakes in the analyser its labelled systems notice."""
