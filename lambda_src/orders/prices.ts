/** What the shop sells, and for how much. How many there are is the warehouse's to know: `stock.py`. */
export const PRICES_CENTS: ReadonlyMap<string, number> = new Map([
  ["teapot", 3_500],
  ["teacup", 900],
  ["samovar", 24_000], // on sale, and never delivered: an order for one is refunded
]);
