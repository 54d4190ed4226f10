import { cents } from "@shop/money";
import { rate } from "./rates";

interface Event {
  amount: number;
}

// what a customer pays
export const handler = async (event: Event): Promise<{ cents: number }> => ({ cents: cents(event.amount) * rate() });
