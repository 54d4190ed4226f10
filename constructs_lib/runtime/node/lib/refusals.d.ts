/** Why a record goes back to its source instead of being acknowledged. */
/** A record that the wrapper reports as failed, whatever its handler says. */
export declare class RecordRefused extends Error {
    readonly name: string;
}
/** There was too little time left to start the record, or an earlier one has to be handled first. */
export declare class NotStarted extends RecordRefused {
    readonly name = "NotStarted";
}
/** The record was in flight at its deadline; whatever it completes afterwards is not acknowledged. */
export declare class OutOfTime extends RecordRefused {
    readonly name = "OutOfTime";
}
/** The handler returned while work it had started was still going on: a frozen environment would lose it. */
export declare class LostWork extends RecordRefused {
    readonly name = "LostWork";
}
/** The body cannot be parsed. */
export declare class Unreadable extends RecordRefused {
    readonly name = "Unreadable";
}
/** The record has no usable idempotency key. */
export declare class KeyMissing extends RecordRefused {
    readonly name = "KeyMissing";
}
/** Another environment is handling the same key. */
export declare class InProgressElsewhere extends RecordRefused {
    readonly name = "InProgressElsewhere";
}
/** Another environment has taken over the key, because this one was given up. */
export declare class ClaimLost extends RecordRefused {
    readonly name = "ClaimLost";
}
/** The handler wants to commit, but the function has no idempotency table. */
export declare class NoTable extends RecordRefused {
    readonly name = "NoTable";
}
