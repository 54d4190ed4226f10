-- What each function may do is what its user may do. The users are made before the migrations run.

GRANT SELECT, INSERT ON account, transfer, entry TO ledger_writer;
GRANT SELECT ON balance TO ledger_writer, ledger_reader;
