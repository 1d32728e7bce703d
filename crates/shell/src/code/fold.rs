//! Puts constants of code together, as the language would when it runs.
//!
//! `'.e' + 'nv'`, a list of letters, text in base64 and a name that was given a
//! text are all the same to what opens a file. They are written out as one text
//! before the code is looked at. The order in which code runs is not followed:
//! a name stands for the text that it was last given above.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::token::{Token, tokens};
use super::{Tongue, call, name};

/// How often the code is gone through.
const ROUNDS_MAX: usize = 8;

/// The longest text that is put together, and the longest code in all, in bytes.
const TEXT_BYTES_MAX: usize = 16 * 1024;
const CODE_BYTES_MAX: usize = 256 * 1024;

/// Texts that code is given by name: variables of the environment, or of awk.
pub(crate) type Given = BTreeMap<String, String>;

/// What takes the place of some tokens.
#[derive(Debug)]
pub(super) enum Made {
    /// A text.
    Text(String),
    /// Code, such as a name that was computed.
    Code(String),
}

/// Tokens from here on, with what stands before them.
#[derive(Clone, Copy)]
pub(super) struct At<'t, 'c> {
    pub(super) before: Option<&'t Token<'c>>,
    pub(super) rest: &'t [Token<'c>],
    pub(super) tongue: Tongue,
}

/// Returns `code` with its constants put together.
pub(super) fn folded<'c>(code: &'c str, tongue: Tongue, given: &Given) -> Cow<'c, str> {
    let mut folded = Cow::Borrowed(code);
    for _ in 0..ROUNDS_MAX {
        let (next, has_changed) = round(&folded, tongue, given);
        if !has_changed || next.len() > CODE_BYTES_MAX {
            break;
        }
        folded = Cow::Owned(next);
    }
    folded
}

/// Goes through `code` once; returns whether anything was put together.
fn round(code: &str, tongue: Tongue, given: &Given) -> (String, bool) {
    let tokens = tokens(code, tongue);
    let makes_letters = tokens.iter().any(call::makes_letters);
    let mut names = name::Names::new(tongue, given);
    let mut out = String::with_capacity(code.len());
    let mut has_changed = false;
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let at = At {
            before: index.checked_sub(1).and_then(|before| tokens.get(before)),
            rest: tokens.get(index..).unwrap_or_default(),
            tongue,
        };
        names.learn(at);
        let made = names
            .stands_for(at)
            .or_else(|| call::made(at, given))
            .or_else(|| joined(at))
            .or_else(|| makes_letters.then(|| call::letters(at)).flatten());
        match made {
            Some((Made::Text(text), length)) if text.len() <= TEXT_BYTES_MAX => {
                write_text(&text, '"', &mut out);
                index += length.max(1);
                has_changed = true;
            }
            Some((Made::Code(code), length)) => {
                out.push_str(&code);
                index += length.max(1);
                has_changed = true;
            }
            Some((Made::Text(_), _)) | None => {
                write(token, tongue, &mut out);
                index += 1;
            }
        }
    }
    (out, has_changed)
}

/// Joins two texts that the language joins, and takes a text out of its parentheses.
fn joined(at: At<'_, '_>) -> Option<(Made, usize)> {
    let text = |first: &str, second: &str| Made::Text(format!("{first}{second}"));
    // Behind a name, the texts of a Lisp are apart; those of C stand in parentheses.
    let takes_no_sign = match at.tongue {
        Tongue::Awk | Tongue::Python => true,
        Tongue::Foreign => matches!(at.before, Some(Token::Sign('(' | ',' | '='))),
        Tongue::Script
        | Tongue::Perl
        | Tongue::Ruby
        | Tongue::Php
        | Tongue::Lua
        | Tongue::Sed
        | Tongue::Editor
        | Tongue::Tcl
        | Tongue::Other => false,
    };
    let has_dots = matches!(at.tongue, Tongue::Perl | Tongue::Php);
    match at.rest {
        [Token::Text(first), Token::Text(second), ..] if takes_no_sign => {
            Some((text(first, second), 2))
        }
        [
            Token::Text(first),
            Token::Sign('+'),
            Token::Text(second),
            ..,
        ] => Some((text(first, second), 3)),
        [
            Token::Text(first),
            Token::Sign('.'),
            Token::Text(second),
            ..,
        ] if has_dots => Some((text(first, second), 3)),
        [
            Token::Text(first),
            Token::Sign('.'),
            Token::Sign('.'),
            Token::Text(second),
            ..,
        ] if at.tongue == Tongue::Lua => Some((text(first, second), 4)),
        // A path of Python.
        [
            Token::Text(first),
            Token::Sign('/'),
            Token::Text(second),
            ..,
        ] if at.tongue == Tongue::Python => Some((Made::Text(format!("{first}/{second}")), 3)),
        [Token::Sign('('), Token::Text(inner), Token::Sign(')'), ..] if !is_called(at.before) => {
            Some((Made::Text(inner.clone()), 3))
        }
        _ => None,
    }
}

/// Returns whether parentheses behind `before` hold what something is called with.
pub(super) fn is_called(before: Option<&Token<'_>>) -> bool {
    match before {
        Some(Token::Name { name, .. }) => !matches!(*name, "return" | "in" | "and" | "or" | "not"),
        Some(Token::Sign(')' | ']' | '}') | Token::Text(_) | Token::Line(_)) => true,
        Some(Token::Sign(_)) | None => false,
    }
}

/// Writes a token as code.
fn write(token: &Token<'_>, tongue: Tongue, out: &mut String) {
    match token {
        Token::Name { name, owner } => {
            if out.ends_with(|last: char| last.is_alphanumeric() || matches!(last, '_' | '$')) {
                out.push(' ');
            }
            out.push_str(owner);
            if !owner.is_empty() {
                let is_point_apart = matches!(tongue, Tongue::Perl | Tongue::Php);
                out.push_str(if is_point_apart { "->" } else { "." });
            }
            out.push_str(name);
        }
        Token::Text(text) => write_text(text, '"', out),
        Token::Line(line) => write_text(line, '`', out),
        Token::Sign(sign) => out.push(*sign),
    }
}

/// Writes a text in quotes; a blank keeps it apart from quotes beside it.
fn write_text(text: &str, quote: char, out: &mut String) {
    out.push(' ');
    out.push(quote);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\\' => out.push_str("\\\\"),
            _ if character == quote => {
                out.push('\\');
                out.push(quote);
            }
            _ => out.push(character),
        }
    }
    out.push(quote);
    out.push(' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(code: &str, tongue: Tongue) -> Vec<String> {
        let given = Given::from([("F".to_owned(), ".env".to_owned())]);
        let folded = folded(code, tongue, &given);
        let tokens = tokens(&folded, tongue);
        let text = |token: Token<'_>| match token {
            Token::Text(text) => Some(text),
            Token::Line(line) => Some(line),
            Token::Name { .. } | Token::Sign(_) => None,
        };
        tokens.into_iter().filter_map(text).collect()
    }

    fn check(tongue: Tongue, code: &str, expected: &str) {
        let texts = texts(code, tongue);
        assert!(
            texts.iter().any(|text| text == expected),
            "{code}: {texts:?}"
        );
    }

    #[test]
    fn texts_are_joined_as_the_language_does() {
        for (tongue, code) in [
            (Tongue::Python, "open('.e'+'nv')"),
            (Tongue::Python, "open('.e' 'nv')"),
            (Tongue::Python, "open(('.e')+('nv'))"),
            (Tongue::Python, "open(''.join(['.e','nv']))"),
            (Tongue::Python, "open('%s%s' % ('.e','nv'))"),
            (Tongue::Python, "open('{}nv'.format('.e'))"),
            (Tongue::Python, "open('vne.'[::-1])"),
            (Tongue::Python, "open('.xenv'.replace('x',''))"),
            (Tongue::Script, "f(['.','env'].join(''))"),
            (Tongue::Script, "f('.e'.concat('nv'))"),
            (Tongue::Perl, "open F,'.e'.'nv'"),
            (Tongue::Perl, "open F, join('','.e','nv')"),
            (Tongue::Php, "f(implode('',['.e','nv']));"),
            (Tongue::Lua, "io.open('.e'..'nv')"),
            (Tongue::Awk, "{ getline < \".e\" \"nv\" }"),
            (Tongue::Ruby, "File.read('.e'+'nv')"),
        ] {
            check(tongue, code, ".env");
        }
    }

    #[test]
    fn encoded_texts_are_decoded() {
        for (tongue, code) in [
            (
                Tongue::Python,
                "open(base64.b64decode('LmVudg==').decode())",
            ),
            (Tongue::Python, "open(bytes.fromhex('2e656e76'))"),
            (Tongue::Python, "open(codecs.decode('.rai','rot13'))"),
            (Tongue::Python, "open(chr(46)+'env')"),
            (Tongue::Python, "open(''.join(map(chr,[46,101,110,118])))"),
            (
                Tongue::Python,
                "open(''.join(chr(c) for c in [46,101,110,118]))",
            ),
            (Tongue::Python, "open(bytes([46, 101, 110, 118]))"),
            (Tongue::Script, "f(String.fromCharCode(46,101,110,118))"),
            (
                Tongue::Script,
                "f(Buffer.from('LmVudg==','base64').toString())",
            ),
            (Tongue::Script, "f(atob('LmVudg=='))"),
            (Tongue::Perl, "open F, pack('H*','2e656e76')"),
            (Tongue::Php, "f(base64_decode('LmVudg=='));"),
            (Tongue::Php, "f(strrev('vne.'));"),
        ] {
            check(tongue, code, ".env");
        }
    }

    #[test]
    fn names_stand_for_the_text_they_were_given() {
        for (tongue, code) in [
            (Tongue::Awk, "BEGIN{c=\".e\" \"nv\";system(c)}"),
            (Tongue::Python, "f='.env'\nopen(f)"),
            (Tongue::Python, "f='.e'\nf+='nv'\nopen(f)"),
            (Tongue::Script, "const f='.e';g(f+'nv')"),
            (Tongue::Perl, "my $f='.env'; open F,$f"),
            (Tongue::Python, "open(os.environ['F'])"),
            (Tongue::Python, "open(os.getenv('F'))"),
            (Tongue::Script, "f(process.env.F)"),
            (Tongue::Ruby, "File.read(ENV['F'])"),
            (Tongue::Perl, "open G,$ENV{F}"),
        ] {
            check(tongue, code, ".env");
        }
        check(Tongue::Perl, "$f='.env'; system(\"cat $f\")", "cat .env");
        check(Tongue::Script, "f='.env'; g(`cat ${f}`)", "cat .env");
        check(Tongue::Perl, "unlink glob \"$ENV{HOME}/.x/*\"", "~/.x/*");
    }

    #[test]
    fn paths_are_joined_and_home_is_one() {
        for (tongue, code) in [
            (
                Tongue::Python,
                "open(os.path.join(os.environ['HOME'],'.x','y'))",
            ),
            (Tongue::Python, "open(os.path.expanduser('~')+'/.x'+'/y')"),
            (Tongue::Python, "open(Path.home()/'.x'/'y')"),
            (Tongue::Script, "f(path.join(os.homedir(),'.x','y'))"),
            (Tongue::Ruby, "File.read(File.join(Dir.home,'.x','y'))"),
        ] {
            check(tongue, code, "~/.x/y");
        }
    }

    #[test]
    fn names_that_are_computed_are_names() {
        for (tongue, code, expected) in [
            (
                Tongue::Script,
                "require('child_pro'+'cess')['exec'+'Sync']('id')",
                "require( \"child_process\" ).execSync( \"id\" )",
            ),
            (Tongue::Php, "('sys'.'tem')('id');", "system( \"id\" );"),
            (
                Tongue::Python,
                "getattr(os,'sys'+'tem')('id')",
                "os.system( \"id\" )",
            ),
        ] {
            assert_eq!(folded(code, tongue, &Given::new()), expected, "{code}");
        }
    }

    #[test]
    fn other_code_stays_as_it_is() {
        for (tongue, code) in [
            (Tongue::Python, "print(1+2, [1,2,3], x)"),
            (Tongue::Script, "a.b.c(['x','y'], {k: 'v'})"),
            (Tongue::Python, "d['k']; f('a', 'b')"),
        ] {
            assert_eq!(folded(code, tongue, &Given::new()), code);
        }
    }

    #[test]
    fn what_doubles_itself_comes_to_an_end() {
        let mut code = "a='0123456789'\n".to_owned();
        for _ in 0..64 {
            code.push_str("a=a+a\n");
        }
        assert!(folded(&code, Tongue::Python, &Given::new()).len() <= CODE_BYTES_MAX);
    }
}
