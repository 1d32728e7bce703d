//! Scoring what is decided: our own labelled sets, and the machinery that the
//! public ones share with them.

mod decider;
mod labelled;
mod project;
mod variant;

use std::cmp::Reverse;

use anyhow::{Result, bail};

pub use decider::{Answer, Call, Decider};

use crate::bench::is_handed_over;
use crate::cargo::workspace;
use crate::rate::{self, Bar, Rate, Target};
use crate::setup;
use variant::Variant;

/// How large the share of the variants of caught commands that are still
/// caught must be, in per cent.
const VARIANTS_CAUGHT_MIN: f64 = 99.5;

/// Of how many caught commands one is spelled otherwise in a quick run.
const QUICK: usize = 16;

/// Scores the labelled sets, and other spellings of every command that is caught.
pub fn score(arguments: &[String]) -> Result<()> {
    setup::ensure(setup::SCORE)?;
    let (rest, show) = rate::shown(arguments)?;
    let step = match rest.as_slice() {
        [] if is_handed_over("score", arguments)? => return Ok(()),
        [] => 1,
        [word] if word == "--quick" => QUICK,
        [word, ..] => bail!("no set `{word}`; there are `--show word` and `--quick`"),
    };
    let folder = workspace().join("fixtures/score");
    let scored = labelled::score(&folder, &mut Decider::new()?)?;
    let mut rates = scored.rates;
    let (variants, left) = variant::all(&folder.join("variants.jsonl"))?;
    variant::prove(&variants)?;
    println!(
        "{} transformations do in bash what the original does; {} rules are not carried out",
        variants.len(),
        left.len()
    );
    for (name, reason) in &left {
        println!("  {name}: {reason}");
    }
    let (varied, idle) = of_variants(&variants, &scored.caught, step)?;
    rates.extend(varied);
    if !idle.is_empty() {
        println!("No command of this run is spelled by: {}", idle.join(", "));
    }
    match rate::print(&rates, show) {
        true => Ok(()),
        false => bail!("a set did not reach what it must"),
    }
}

/// Returns the share of variants that are still caught, and below it the shares
/// of the transformations by which commands are lost; then the names of those
/// that no command takes.
///
/// Each transformation is applied to every `step`th command, another one each time.
fn of_variants(
    variants: &[Variant],
    commands: &[String],
    step: usize,
) -> Result<(Vec<Rate>, Vec<String>)> {
    let mut shares = variant::in_parts(variants, |part| shares_of(part, commands, step))?;
    let mut all = Rate::caught("variants of what is caught")
        .with(Target::AtLeast(VARIANTS_CAUGHT_MIN), Bar::Required);
    for share in &shares {
        all.cases += share.cases;
        all.shown.extend(share.shown.iter().cloned());
    }
    let idle = shares.iter().filter(|share| share.cases == 0);
    let idle = idle.map(|share| share.set.trim().to_owned()).collect();
    shares.retain(|share| !share.shown.is_empty());
    shares.sort_by_key(|share| Reverse(share.shown.len()));
    Ok(([vec![all], shares].concat(), idle))
}

fn shares_of(variants: &[Variant], commands: &[String], step: usize) -> Result<Vec<Rate>> {
    let mut decider = Decider::new()?;
    let place = decider.place();
    let mut shares = Vec::new();
    for (number, variant) in variants.iter().enumerate() {
        let mut share = Rate::caught(format!("  {}", variant.name));
        for command in commands.iter().skip(number % step).step_by(step) {
            let command = labelled::at_home(command, &decider);
            let Some(text) = variant.of(&command, &place) else {
                continue;
            };
            let call = Call::shell(&text);
            let answer = decider.decide(&call)?;
            share.count((!answer.is_caught()).then(|| format!("[{}] {}", answer.by, call.shown())));
        }
        shares.push(share);
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// How many transformations there must be at least of each half.
    const OF_HALF_MIN: usize = 40;

    fn ours(folder: &Path) -> (Vec<Variant>, usize) {
        let file = folder.join("variants.jsonl");
        let (of_file, _) = variant::of_file(&file).expect("the transformations read");
        let (all, _) = variant::all(&file).expect("the transformations read");
        (all, of_file.len())
    }

    #[test]
    fn every_bar_that_is_required_is_reached() {
        let folder = workspace().join("fixtures/score");
        let mut decider = Decider::new().expect("a project is made");
        let scored = labelled::score(&folder, &mut decider).expect("the sets read");
        let (variants, _) = ours(&folder);
        let step = scored.caught.len().max(1);
        let varied = of_variants(&variants, &scored.caught, step);
        let (varied, _) = varied.expect("variants are decided");
        let rates = [scored.rates, varied].concat();
        let short: Vec<&Rate> = rates.iter().filter(|rate| rate.fails()).collect();
        assert!(short.is_empty(), "{short:#?}");
    }

    #[test]
    fn what_is_not_carried_out_is_what_is_said_to_be_left() {
        let file = workspace().join("fixtures/score/variants.jsonl");
        let (_, left) = variant::of_file(&file).expect("the transformations read");
        let names: Vec<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
        let said: Vec<&str> = variant::LEFT.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, said);
    }

    #[test]
    fn there_are_enough_transformations_of_both_halves() {
        let (all, of_file) = ours(&workspace().join("fixtures/score"));
        assert!(of_file >= OF_HALF_MIN && all.len() - of_file >= OF_HALF_MIN);
    }
}
