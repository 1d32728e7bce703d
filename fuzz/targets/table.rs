//! The laws of the table of programs, for command lines made from the table.
#![no_main]

#[path = "../../crates/shell/tests/law/mod.rs"]
mod law;

use aegis_shell::{ProgramOptions, program_names};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

/// Words that mean something to many programs.
const WORDS: [&str; 16] = [
    "a",
    "b/c",
    "/etc/passwd",
    ".",
    "-",
    "--",
    "rm",
    "sh",
    "host:path",
    "user@host",
    "https://host/path",
    "@file",
    "key=value",
    "+x",
    "777",
    "PUT",
];

fuzz_target!(|line: &str| law::table::laws(line));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate(data, size, max_size, seed)
});

/// Changes a word of the line to another one that the table knows, or now and
/// then letters, as the fuzzer does by itself.
fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(seed);
    let line = data.get(..size).map(std::str::from_utf8);
    let Some(Ok(line)) = line.filter(|_| dice.below(8) > 0) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let line = changed(line, &mut dice);
    match data.get_mut(..line.len()) {
        Some(place) if line.len() <= max_size => {
            place.copy_from_slice(line.as_bytes());
            line.len()
        }
        Some(_) | None => fuzzer_mutate(data, size, max_size),
    }
}

fn changed(line: &str, dice: &mut Dice) -> String {
    let mut words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let known = words
        .split_first()
        .and_then(|(program, rest)| ProgramOptions::of(program, rest.iter().copied()));
    let Some(known) = known.filter(|_| dice.below(8) > 0) else {
        let program = dice.choice(program_names()).unwrap_or("rm");
        match words.first_mut() {
            Some(first) => *first = program,
            None => words.push(program),
        }
        return words.join(" ");
    };
    let place = 1 + dice.below(words.len());
    match dice.below(5) {
        0 => words.truncate(place),
        1 => words.extend(dice.choice(known.subcommands())),
        2 => words.insert(place, dice.choice(WORDS.into_iter()).unwrap_or("a")),
        _ => {
            let option = dice.choice(known.spellings());
            let value = option.filter(|option| known.takes_value(option));
            let value = value.and_then(|_| dice.choice(WORDS.into_iter()));
            words.splice(place..place, option.into_iter().chain(value));
        }
    }
    words.join(" ")
}

/// Numbers from a seed.
struct Dice(u32);

impl Dice {
    /// Returns a number below `bound`, which is not zero.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        usize::try_from(self.0 >> 12).unwrap_or_default() % bound
    }

    /// Returns one of `items`.
    fn choice<T>(&mut self, items: impl Iterator<Item = T>) -> Option<T> {
        let mut items: Vec<T> = items.collect();
        let place = self.below(items.len().max(1));
        (place < items.len()).then(|| items.swap_remove(place))
    }
}
