/** The event OrderPlaced, as the workflow puts it on the bus and as its rules deliver it: the detail alone. */
import * as z from "zod/mini";

export const OrderPlaced = z.object({
  id: z.string(),
  items: z.array(z.object({ sku: z.string(), quantity: z.int() })),
  amount_cents: z.int(),
  placed_at: z.iso.datetime(),
});

export type OrderPlaced = z.output<typeof OrderPlaced>;
