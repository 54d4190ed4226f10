-- Double entry: every transfer is two entries that add up to nothing, and nothing is ever changed or removed.

CREATE TABLE account (
    id text PRIMARY KEY,
    may_be_negative boolean NOT NULL DEFAULT false,
    opened_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE transfer (
    id text PRIMARY KEY,
    debit text NOT NULL REFERENCES account,
    credit text NOT NULL REFERENCES account,
    amount bigint NOT NULL CHECK (amount > 0),
    posted_at timestamptz NOT NULL DEFAULT now(),
    CHECK (debit <> credit)
);

CREATE TABLE entry (
    transfer_id text NOT NULL REFERENCES transfer,
    account_id text NOT NULL REFERENCES account,
    amount bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (transfer_id, account_id)
);
CREATE INDEX entry_of_account ON entry (account_id) INCLUDE (amount);

CREATE FUNCTION refuse_imbalance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(amount) FROM entry WHERE transfer_id = NEW.transfer_id) <> 0 THEN
        RAISE EXCEPTION 'the entries of transfer % do not add up to nothing', NEW.transfer_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_imbalance();

CREATE VIEW balance AS
    SELECT account.id AS account_id, coalesce(sum(entry.amount), 0)::bigint AS amount, count(entry.amount) AS entries
    FROM account LEFT JOIN entry ON entry.account_id = account.id
    GROUP BY account.id;

-- Money comes from somewhere.
INSERT INTO account (id, may_be_negative) VALUES ('bank', true);
