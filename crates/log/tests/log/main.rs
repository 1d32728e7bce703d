//! What a log promises, shown on the file and in memory.

mod making;

mod child;

mod appending;
mod power_cut;
mod processes;
mod queries;
mod verifying;
mod writers;
