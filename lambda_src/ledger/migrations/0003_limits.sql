-- A statement ends before its function does. Said of the user, since RDS Proxy takes no settings from a session's client.

ALTER ROLE ledger_writer SET statement_timeout = '5s';
ALTER ROLE ledger_reader SET statement_timeout = '5s';
