import { rate } from "./rates";
import { cents } from "@shop/money";

export const handler = async (): Promise<number> => cents(1) + rate();
export const warm = async (): Promise<string> => "warm";
