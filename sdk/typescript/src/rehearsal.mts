// Loaded by a process under Node that waits for its run: what loading a script takes is there by then, the compiler of types included.
const rehearsed: boolean = true;
export default rehearsed;
