/** Why a record goes back to its source instead of being acknowledged. */
/** A record that the wrapper reports as failed, whatever its handler says. */
export class RecordRefused extends Error {
    name = "RecordRefused";
}
/** There was too little time left to start the record, or an earlier one has to be handled first. */
export class NotStarted extends RecordRefused {
    name = "NotStarted";
}
/** The record was in flight at its deadline; whatever it completes afterwards is not acknowledged. */
export class OutOfTime extends RecordRefused {
    name = "OutOfTime";
}
/** The handler returned while work it had started was still going on: a frozen environment would lose it. */
export class LostWork extends RecordRefused {
    name = "LostWork";
}
/** The body cannot be parsed. */
export class Unreadable extends RecordRefused {
    name = "Unreadable";
}
/** The record has no usable idempotency key. */
export class KeyMissing extends RecordRefused {
    name = "KeyMissing";
}
/** Another environment is handling the same key. */
export class InProgressElsewhere extends RecordRefused {
    name = "InProgressElsewhere";
}
/** Another environment has taken over the key, because this one was given up. */
export class ClaimLost extends RecordRefused {
    name = "ClaimLost";
}
/** The handler wants to commit, but the function has no idempotency table. */
export class NoTable extends RecordRefused {
    name = "NoTable";
}
