export const rate = (): number => 2;
