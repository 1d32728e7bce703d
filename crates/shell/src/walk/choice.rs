//! Goes every way in which a command can be read, where a word of it may be one
//! of several.

/// The most ways of one command that are gone one by one.
pub(crate) const WAYS_MAX: usize = 16;

/// What was chosen where there was a choice, in the order of the text.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    made: Vec<Choice>,
    next: usize,
}

#[derive(Debug)]
struct Choice {
    taken: usize,
    count: usize,
}

impl Choices {
    /// Returns which of `count` values is taken this way.
    pub(crate) fn choose(&mut self, count: usize) -> usize {
        if self.next == self.made.len() {
            self.made.push(Choice { taken: 0, count });
        }
        let taken = self.made.get(self.next).map_or(0, |choice| choice.taken);
        self.next += 1;
        taken
    }

    /// Returns whether there was any choice.
    pub(crate) fn is_any(&self) -> bool {
        !self.made.is_empty()
    }

    /// Turns to the next way; returns `false` after the last one.
    pub(crate) fn turn(&mut self) -> bool {
        self.next = 0;
        while let Some(choice) = self.made.last_mut() {
            if choice.taken + 1 < choice.count {
                choice.taken += 1;
                return true;
            }
            self.made.pop();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_gone_once() {
        let mut choices = Choices::default();
        let mut ways = Vec::new();
        loop {
            let first = choices.choose(2);
            // The second choice is there on one side of the first only.
            let second = if first == 0 { choices.choose(3) } else { 9 };
            ways.push((first, second));
            if !choices.turn() {
                break;
            }
        }
        assert_eq!(ways, [(0, 0), (0, 1), (0, 2), (1, 9)]);
    }
}
