//! What a log promises, shown on the file and in memory.

mod making;

mod appending;
mod queries;
mod verifying;
mod writers;
