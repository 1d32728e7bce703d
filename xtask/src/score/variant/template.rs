//! The transformations that are data: templates, and rules that Rust carries out.
//!
//! `fixtures/score/variants.md` says what the fields, placeholders and needs mean.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::line::{Line, quoted};
use super::{Variant, rule};

/// One line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    kind: Kind,
    template: Option<String>,
    #[expect(dead_code, reason = "is for people")]
    rule: Option<String>,
    before: Option<String>,
    after: Option<String>,
    needs: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Template,
    Word,
    Whole,
}

/// A rule that nothing carries out, and the reason.
pub type Left = (String, &'static str);

/// Returns the variants of a file, and the rules that nothing carries out.
///
/// # Errors
///
/// Names a rule that is neither carried out nor listed with a reason, and one
/// whose example comes out otherwise.
pub fn variants(file: &Path) -> Result<(Vec<Variant>, Vec<Left>)> {
    let mut variants = Vec::new();
    let mut left = Vec::new();
    for row in rows(file)? {
        match (row.kind, row.template) {
            (Kind::Template, Some(template)) => {
                let tool = tool(&row.needs);
                let needs = row.needs;
                let made = Variant::new(&row.name, move |line| {
                    needs
                        .iter()
                        .all(|need| holds(need, line))
                        .then(|| filled(&template, line))
                });
                variants.push(made.with_tool(tool));
            }
            (Kind::Template, None) => bail!("the template `{}` has no text", row.name),
            (Kind::Word | Kind::Whole, _) => match rule::named(&row.name) {
                Some((rewrite, proof)) => {
                    let made = Variant::new(&row.name, rewrite).with_proof(proof);
                    check(&made, row.before.as_deref(), row.after.as_deref())?;
                    variants.push(made.with_tool(tool(&row.needs)));
                }
                None => {
                    let mut reasons = rule::LEFT.iter();
                    let reason = reasons.find(|(name, _)| *name == row.name);
                    let Some(&(_, reason)) = reason else {
                        bail!(
                            "nothing carries `{}` out, and `LEFT` does not say why",
                            row.name
                        );
                    };
                    left.push((row.name, reason));
                }
            },
        }
    }
    Ok((variants, left))
}

/// Checks that what carries a rule out does what its example shows.
fn check(variant: &Variant, before: Option<&str>, after: Option<&str>) -> Result<()> {
    let name = &variant.name;
    let (Some(before), Some(after)) = (before, after) else {
        bail!("the rule `{name}` has no example");
    };
    let made = (variant.rewrite)(&Line::new(before));
    if made.as_deref() != Some(after) {
        bail!("`{name}` makes {made:?} of `{before}`, not `{after}`");
    }
    Ok(())
}

fn rows(file: &Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read `{}`", file.display()))?;
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let row = serde_json::from_str(line);
        rows.push(row.with_context(|| format!("{}:{}", file.display(), number + 1))?);
    }
    Ok(rows)
}

fn tool(needs: &[String]) -> Option<String> {
    needs
        .iter()
        .find_map(|need| need.strip_prefix("tool:"))
        .map(str::to_owned)
}

/// Reports whether a need holds of a line; what is not known here does not.
fn holds(need: &str, line: &Line<'_>) -> bool {
    let lacks = |signs: &[char]| !line.text.contains(signs);
    match need {
        "simple" => line.is_simple(),
        "external" => line.program().is_some(),
        "plain-words" => line.plain_words().is_some(),
        "one-line" => lacks(&['\n']),
        "ascii" => line.text.is_ascii(),
        "posix" => line.is_posix(),
        "no-background" => !line.text.trim_end().ends_with('&'),
        "no-comment" => lacks(&['#']),
        "no-backslash" => lacks(&['\\']),
        "no-quote" => lacks(&['\'', '"', '\\']),
        "no-backquote" => lacks(&['`']),
        "no-braces" => lacks(&['{', '}']),
        "no-glob" => lacks(&['*', '?', '[']),
        "no-variable" => lacks(&['$', '~']),
        "no-double-at" => !line.text.contains("@@"),
        "no-applet" => !line.text.starts_with("busybox"),
        // What a command reads and writes does not change what it starts.
        "no-stdin" | "no-output" | "no-stderr" | "no-order" | "no-state" => true,
        "bash" | "linux" | "no-unset-variable" | "no-arguments-after" => true,
        _ => need.starts_with("tool:"),
    }
}

/// Returns the template with its placeholders replaced.
pub fn filled(template: &str, line: &Line<'_>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let placed = after
            .split_once('}')
            .and_then(|(name, behind)| Some((value(name, line)?, behind)));
        rest = match placed {
            Some((value, behind)) => {
                text.push_str(&value);
                behind
            }
            None => {
                text.push('{');
                after
            }
        };
    }
    text + rest
}

/// Returns what a placeholder stands for.
fn value(name: &str, line: &Line<'_>) -> Option<String> {
    Some(match name {
        "" => line.text.to_owned(),
        "q" => quoted(line.text),
        "qq" => quoted(&quoted(line.text)),
        "b64" => line.base64(),
        "gzb64" => line.packed(),
        "hex" => line.hex(""),
        "esc" => line.hex("\\x"),
        "oct" => line.octal("\\"),
        "oct0" => line.octal("\\0"),
        "rev" => quoted(&line.reversed()),
        "rot13" => quoted(&line.rotated()),
        "at" => {
            let letters: Vec<String> = line.text.chars().map(String::from).collect();
            quoted(&letters.join("@@"))
        }
        "mk" => quoted(&line.text.replace('$', "$$")),
        _ => return None,
    })
}
