/** Why a record goes back to its source instead of being acknowledged. */

/** A record that the wrapper reports as failed, whatever its handler says. */
export class RecordRefused extends Error {
  override readonly name: string = "RecordRefused";
}

/** There was too little time left to start the record, or an earlier one has to be handled first. */
export class NotStarted extends RecordRefused {
  override readonly name = "NotStarted";
}

/** The record was in flight at its deadline; whatever it completes afterwards is not acknowledged. */
export class OutOfTime extends RecordRefused {
  override readonly name = "OutOfTime";
}

/** The handler returned while work it had started was still going on: a frozen environment would lose it. */
export class LostWork extends RecordRefused {
  override readonly name = "LostWork";
}

/** The body cannot be parsed. */
export class Unreadable extends RecordRefused {
  override readonly name = "Unreadable";
}

/** The record has no usable idempotency key. */
export class KeyMissing extends RecordRefused {
  override readonly name = "KeyMissing";
}

/** Another environment is handling the same key. */
export class InProgressElsewhere extends RecordRefused {
  override readonly name = "InProgressElsewhere";
}

/** Another environment has taken over the key, because this one was given up. */
export class ClaimLost extends RecordRefused {
  override readonly name = "ClaimLost";
}

/** The handler wants to commit, but the function has no idempotency table. */
export class NoTable extends RecordRefused {
  override readonly name = "NoTable";
}
