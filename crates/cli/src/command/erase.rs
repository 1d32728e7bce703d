//! `aegis log erase`: sealed results go, the chain stays.

use std::str::FromStr as _;

use aegis_gate::{Opened, PayloadKeys};
use aegis_types::{Envelope, RequestId};
use serde_json::json;

use crate::arguments::EraseArguments;
use crate::command::approvals::approver;
use crate::command::log::{json_text, session};
use crate::describe;
use crate::exit::Exit;
use crate::here::Here;
use crate::page::{Page, Piece, Tone, piece};
use crate::report::{Failure, Report, causes};

/// Erases what is sealed in a session, or about one request of it.
pub(crate) fn erase(here: &Here, arguments: &EraseArguments) -> Result<Report, Failure> {
    here.refuse_agents()?;
    let session = session(&arguments.session)?;
    let request = arguments.request.as_deref().map(request).transpose()?;
    // What is not there yet is not made for this.
    drop(here.log()?);
    let erased = here
        .gate()?
        .erase(&session, request.as_ref(), &approver()?)
        .map_err(|error| {
            Failure::environment(causes(&error)).remedy("the same command does what is left to do")
        })?;
    let mut page = Page::default();
    let results = describe::count(erased.payloads, "sealed result", "sealed results");
    let keys = describe::count(erased.keys, "key", "keys");
    let exit = if erased.payloads == 0 {
        page.plain("Nothing is sealed there, or all of it is erased already.")
            .plain(
                "`aegis log list --sessions` shows the sessions, and `aegis log list` requests.",
            );
        Exit::No
    } else {
        page.line(&[
            piece(Tone::Good, "erased  "),
            piece(Tone::Plain, format!("{results}, {keys} destroyed")),
        ]);
        page.line(&[piece(
            Tone::Quiet,
            "  a backup holds the ciphertext, and nothing opens it any more",
        )]);
        Exit::Done
    };
    let json = json!({
        "session": session,
        "request": request,
        "payloads": erased.payloads,
        "keys": erased.keys,
    });
    Ok(Report::done(page, json).with(exit))
}

fn request(text: &str) -> Result<RequestId, Failure> {
    RequestId::from_str(text).map_err(|error| {
        Failure::usage(format!("`{text}` is no name of a request: {error}"))
            .remedy("`aegis log list` shows their names")
    })
}

/// Returns what is worth showing of the sealed payload of `envelope`, if it has one.
pub(super) fn sealed(
    here: &Here,
    envelope: &Envelope,
) -> Result<Option<(&'static str, Piece)>, Failure> {
    let opened = PayloadKeys::of(&here.places)
        .open(envelope)
        .map_err(|error| {
            let folder = here.places.payload_keys.display();
            Failure::environment(format!("cannot read the keys in `{folder}`: {error}"))
        })?;
    Ok(opened.map(|opened| {
        let shown = match opened {
            Opened::Content(content) => piece(Tone::Quiet, json_text(&content)),
            Opened::Erased => piece(Tone::Careful, "erased"),
            Opened::NoKey => piece(Tone::Careful, "its key is not here"),
            Opened::Damaged => piece(Tone::Bad, "it is not what was sealed"),
        };
        ("sealed", shown)
    }))
}
