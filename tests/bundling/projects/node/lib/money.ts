export const cents = (amount: number): number => Math.round(amount * 100);
export const unused = (): string => "never reaches a bundle";
