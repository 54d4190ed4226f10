// A schema whose pattern JSON Schema cannot say: it has no flags.
import { z } from "zod";

export const LooseWord = z.strictObject({ word: z.string().regex(/^[a-z]+$/i) });
export const Word = z.strictObject({ word: z.string().regex(/^[a-z]+$/) });
