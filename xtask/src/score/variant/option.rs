//! Other spellings of options, and of the arguments behind them.

use super::known::{Item, Known, Takes, Value};
use super::line::{Line, is_plain};
use super::rule::Rewrite;

/// What carries out the rules on options whose programs are run to show it.
pub const DONE: &[(&str, Rewrite)] = &[
    ("options-split", split),
    ("options-joined", joined),
    ("options-long", long),
    ("options-abbreviated", abbreviated),
    ("options-reordered", reordered),
    ("options-last", last),
    ("options-repeated", repeated),
    ("options-end", end),
    ("options-value-joined", |line| valued(line, false)),
    ("options-value-equals", |line| valued(line, true)),
    ("argument-xargs-null", xargs),
    ("list-as-loop", looped),
];

fn split(line: &Line<'_>) -> Option<String> {
    Known::of(line)?.each(|item| {
        let Item::Letters(letters, value) = item else {
            return None;
        };
        let last = letters.len().checked_sub(1)?;
        let parts = letters.char_indices().map(|(place, letter)| {
            let own = value.filter(|_| place == last);
            Item::Letters(letter.into(), own)
        });
        Some(parts.collect())
    })
}

fn joined(line: &Line<'_>) -> Option<String> {
    let known = Known::of(line)?;
    let mut items: Vec<Item<'_>> = Vec::new();
    for item in &known.items {
        match (items.last_mut(), item) {
            (Some(Item::Letters(before, None)), Item::Letters(letters, None)) => {
                before.insert_str(0, letters);
            }
            _ => items.push(item.clone()),
        }
    }
    (items != known.items).then(|| known.with(&items))
}

fn long(line: &Line<'_>) -> Option<String> {
    let known = Known::of(line)?;
    known.each(|item| {
        let Item::Letters(letters, value) = item else {
            return None;
        };
        let names: Option<Vec<&str>> = letters
            .chars()
            .map(|letter| known.program.long(letter))
            .collect();
        let names = names?;
        let own = value.map(|value| Value {
            is_joined: false,
            ..value
        });
        let last = names.len().checked_sub(1)?;
        let with_value = |place: usize| own.filter(|_| place == last);
        let items = names.into_iter().enumerate();
        Some(
            items
                .map(|(place, name)| Item::Long(name, with_value(place)))
                .collect(),
        )
    })
}

fn abbreviated(line: &Line<'_>) -> Option<String> {
    let known = Known::of(line).filter(|known| known.program.takes(Takes::Short))?;
    known.each(|item| {
        let Item::Long(name, value) = item else {
            return None;
        };
        let short = name.get(..name.len() - name.len() / 3)?;
        Some(vec![Item::Long(short, *value)])
    })
}

fn reordered(line: &Line<'_>) -> Option<String> {
    let known = Known::of(line)?;
    let (options, rest) = known.parted()?;
    if options.len() < 2 || !options.iter().all(Item::is_flag) {
        return None;
    }
    let turned: Vec<Item<'_>> = options.iter().rev().chain(rest).cloned().collect();
    Some(known.with(&turned))
}

fn last(line: &Line<'_>) -> Option<String> {
    let known = Known::of(line).filter(|known| known.program.takes(Takes::Last))?;
    let (options, arguments) = known.parted()?;
    Some(known.with(&[arguments, options].concat()))
}

fn repeated(line: &Line<'_>) -> Option<String> {
    let known = Known::of(line)?;
    let is_letters = |item: &&Item<'_>| matches!(item, Item::Letters(_, None));
    let first = known.items.iter().find(is_letters)?;
    known.each(|item| {
        let Item::Letters(letters, None) = item else {
            return None;
        };
        let again = letters
            .chars()
            .rev()
            .map(|letter| Item::Letters(letter.into(), None));
        let all = std::iter::once(item.clone()).chain(again);
        (item == first).then(|| all.collect())
    })
}

fn end(line: &Line<'_>) -> Option<String> {
    let known = Known::of(line).filter(|known| known.program.takes(Takes::End))?;
    let (options, arguments) = known.parted()?;
    Some(known.with(&[options, &[Item::End], arguments].concat()))
}

fn valued(line: &Line<'_>, is_long: bool) -> Option<String> {
    let known = Known::of(line)?;
    if is_long && !known.program.takes(Takes::Equals) {
        return None;
    }
    known.each(|item| match item {
        Item::Long(name, Some(value)) if is_long => {
            Some(vec![Item::Long(name, Some(value.joined()?))])
        }
        Item::Letters(letters, Some(value)) if !is_long => {
            Some(vec![Item::Letters(letters.clone(), Some(value.joined()?))])
        }
        Item::Letters(..) | Item::Long(..) | Item::End | Item::Argument(_) => None,
    })
}

/// Hands the last argument over through xargs.
fn xargs(line: &Line<'_>) -> Option<String> {
    let known = Known::of(line).filter(|known| known.program.takes(Takes::End))?;
    let (options, arguments) = known.parted()?;
    let (last, before) = arguments.split_last()?;
    let mut items = [options, &[Item::End], before].concat();
    if !before.is_empty() {
        items.retain(|item| *item != Item::End);
    }
    Some(format!(
        "printf '%s\\0' {} | xargs -0 {}",
        last.text(),
        known.with(&items)
    ))
}

/// Gives a program its arguments one at a time.
fn looped(line: &Line<'_>) -> Option<String> {
    let known = Known::of(line).filter(|known| known.program.takes(Takes::Each))?;
    let (options, arguments) = known.parted()?;
    if arguments.len() < 2 {
        return None;
    }
    let texts: Vec<String> = arguments.iter().map(Item::text).collect();
    let one = known.with(&[options, &[Item::Argument("\"$f\"")]].concat());
    Some(format!("for f in {}; do {one}; done", texts.join(" ")))
}

/// What carries out the rules on options that leave the words of the program as they are.
pub const STARTED: &[(&str, Rewrite)] = &[("options-quoted", quoted), ("options-brace", braced)];

fn quoted(line: &Line<'_>) -> Option<String> {
    let mut words: Vec<String> = line.words()?.into_iter().map(str::to_owned).collect();
    let is_option = |word: &&mut String| word.len() > 1 && word.starts_with('-') && is_plain(word);
    let option = words.iter_mut().skip(1).find(is_option)?;
    let name = option.trim_start_matches('-');
    let dashes = option.get(..option.len() - name.len())?.to_owned();
    let quotes = ['\'', '"'].into_iter().cycle();
    let letters = name.chars().zip(quotes);
    let letters: String = letters
        .map(|(letter, quote)| format!("{quote}{letter}{quote}"))
        .collect();
    *option = dashes + &letters;
    Some(words.join(" "))
}

fn braced(line: &Line<'_>) -> Option<String> {
    let words = line.words()?;
    let first = words.iter().position(|word| letter(word).is_some())?;
    let options: Vec<&str> = words
        .iter()
        .skip(first)
        .map_while(|word| letter(word))
        .collect();
    let (before, rest) = words.split_at_checked(first)?;
    let rest = rest.get(options.len()..)?;
    let list = format!("-{{{}}}", options.join(","));
    let all = [before, &[list.as_str()], rest].concat();
    (options.len() > 1).then(|| all.join(" "))
}

/// Returns the letter of an option that is one.
fn letter(word: &str) -> Option<&str> {
    let letters = word
        .strip_prefix('-')
        .filter(|letters| letters.len() == 1)?;
    let is_letter = letters.chars().all(|char| char.is_ascii_alphabetic());
    is_letter.then_some(letters)
}
