//! The program `aegis-hook`: hook JSON on standard input, the answer on standard output.

fn main() {
    aegis_hook::serve();
}
