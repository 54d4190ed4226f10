/** What a record handler is given. */
import type { CommitItem } from "./fenced_table.ts";
export interface WorkerRecord<Body> {
    /** The message's id, or the sequence number in its stream. */
    readonly id: string;
    /** The parsed body. */
    readonly body: Body;
    /** How often the message has been delivered, this time included; 1 for streams, which do not say. */
    readonly delivery: number;
    /** The message group or partition key within which order is kept. */
    readonly group: string | undefined;
    /** The message's own attributes, by name, as text. */
    readonly attributes: Readonly<Record<string, string>>;
    /** The same 64 hexadecimal digits at every delivery: give it to whatever takes an idempotency key. */
    readonly idempotencyKey: string;
    /** Aborted at the deadline: give it to whatever takes a signal, so that late work stops. */
    readonly signal: AbortSignal;
    /** The milliseconds until the record is given up at the latest. */
    readonly leftMs: () => number;
    /**
     * Write these items of a DynamoDB transaction, and that the record is handled: all of it, or none.
     *
     * Whatever happens afterwards, a crash included, the record has had its effect once and has it no more. Rejects with
     * `ClaimLost` if the record was given up, and with `NoTable` if the function has no idempotency table.
     */
    readonly commit: (...items: CommitItem[]) => Promise<void>;
}
/** One change of a table's item. */
export interface Change {
    readonly kind: "INSERT" | "MODIFY" | "REMOVE" | undefined;
    readonly keys: Record<string, unknown>;
    /** The item afterwards, if the stream holds it. */
    readonly new: Record<string, unknown>;
    /** The item before, if the stream holds it. */
    readonly old: Record<string, unknown>;
}
