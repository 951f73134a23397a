/**
 * Number types of the executor's source, which is compiled twice: to JavaScript, where both are numbers, and to
 * WebAssembly, whose compiler knows them by these names. The code computes the same in both: integers stay within 32 bits.
 */
export type i32 = number;
export type f64 = number;
