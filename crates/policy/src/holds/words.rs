//! The words of a command line that a rule is about.

use aegis_types::{EffectKind, Resource, Span, Verdict};

use super::facts::Facts;
use super::sense::Sense;
use super::view::View;
use crate::matcher::Matcher;

/// How many pieces of text are told.
const WORDS_MAX: usize = 32;

impl Matcher {
    /// Returns the words of the command line for which a rule that restricts
    /// holds in these parts; none if it is about the call as a whole and nothing
    /// in its text.
    #[must_use]
    pub fn words(
        &self,
        facts: &Facts<'_>,
        bias: Verdict,
        parts: impl IntoIterator<Item = usize>,
    ) -> Vec<Span> {
        let mut words = Vec::new();
        if facts.request().context.plan.is_none() {
            return words;
        }
        if !self.tells_parts_apart(0) {
            self.add_searched(View::whole(facts), Sense::of(bias), &mut words);
            return outermost(words);
        }
        for part in parts {
            let known = words.len();
            let view = View::part(facts, part);
            self.add_words(view, Sense::of(bias), &mut words);
            if words.len() == known {
                words.extend(view.words());
            }
        }
        outermost(words)
    }

    /// Adds what conditions on the text of the command line find in it.
    fn add_searched(&self, view: View<'_, '_>, sense: Sense, words: &mut Vec<Span>) {
        let request = view.request();
        let Some(Resource::CommandLine(text)) = &request.resource else {
            return;
        };
        let conditions = self.params.iter();
        let ranges = conditions.filter_map(|condition| condition.found_in(text, &request.params));
        words.extend(ranges.filter_map(|range| {
            Some(Span {
                start: u32::try_from(range.start).ok()?,
                end: u32::try_from(range.end).ok()?,
            })
        }));
        for member in self.any.iter().chain(&self.all) {
            let sense = sense.deeper();
            if !sense.is_too_deep() && member.truth(view, sense).is_possible() {
                member.add_searched(view, sense, words);
            }
        }
    }

    fn add_words(&self, view: View<'_, '_>, sense: Sense, words: &mut Vec<Span>) {
        if sense.is_too_deep() {
            return;
        }
        if !self.shell.is_empty() {
            words.extend(self.lines_meant(view).map(|line| line.command.span));
        }
        if self.effect.is_empty() {
            self.add_things(view, sense, words);
            return;
        }
        for effect in view.effects() {
            let is_named = self.effect.contains(&effect.kind);
            let of_effect = view.of_effect(effect);
            if is_named && self.besides_effect_holds(of_effect, sense).is_possible() {
                words.extend(&effect.causes);
                self.add_things(of_effect, sense, words);
            } else if effect.kind == EffectKind::Unknown {
                words.extend(&effect.causes);
            }
        }
    }

    fn add_things(&self, view: View<'_, '_>, sense: Sense, words: &mut Vec<Span>) {
        if !self.path.is_empty() {
            words.extend(self.paths_meant(view, sense).flat_map(|fact| &fact.causes));
        }
        if !self.host.is_empty() {
            words.extend(self.hosts_meant(view, sense).flat_map(|fact| &fact.causes));
        }
        for member in self.any.iter().chain(&self.all) {
            if member.truth(view, sense.deeper()).is_possible() {
                member.add_words(view, sense.deeper(), words);
            }
        }
    }
}

/// Returns those that lie within no other one, in the order of the text.
pub(super) fn outermost(mut words: Vec<Span>) -> Vec<Span> {
    words.sort_unstable_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut kept: Vec<Span> = Vec::new();
    for span in words {
        if kept.last().is_none_or(|last| !last.contains(span)) {
            kept.push(span);
        }
    }
    kept.truncate(WORDS_MAX);
    kept
}
