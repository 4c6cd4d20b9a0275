export type Language = "python" | "typescript";
