//! Commands that ask a service instead of looking into the files of this machine.

use std::io;
use std::path::Path;

use aegis_api::{Address, Client, ClientError, ProblemKind, SystemConnector};
use aegis_gate::{Clock as _, SystemClock, open_regular, read_regular};
use aegis_tls::{
    Authorities, Credentials, Opened, ReadCredentialsError, SecureConnector, SecureError,
};
use clap::{Args as _, Command, FromArgMatches as _};

use crate::arguments::{ClientTlsArguments, ServerArguments};
use crate::command::doors;
use crate::exit::Exit;
use crate::here::Here;
use crate::report::{Failure, causes};

/// The variable that holds the token for the service.
const TOKEN: &str = "AEGIS_TOKEN";

/// The variable that holds the address of the service.
const SERVER: &str = "AEGIS_SERVER";

/// What to do where no service is named.
const NAME_IT: &str = "name it with `--server ADDRESS`, or in `AEGIS_SERVER`";

/// The most bytes that a file with a token may have.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// Returns a client of the service that the arguments name, if they name one.
pub(crate) fn client(here: &Here, arguments: &ServerArguments) -> Result<Option<Client>, Failure> {
    let named = match &arguments.server {
        Some(address) => Some(address.clone()),
        None => named_in_environment(here)?,
    };
    let Some(address) = named else {
        if arguments.token_file.is_some() {
            let message = "a token is for a service, and none is named";
            return Err(Failure::usage(message).remedy(NAME_IT));
        }
        return match useless(&arguments.tls) {
            Some(flag) => {
                let message = format!("`{flag}` is for a service, and none is named");
                Err(Failure::usage(message).remedy(NAME_IT))
            }
            None => Ok(None),
        };
    };
    let token = match &arguments.token_file {
        Some(path) => {
            let unreadable = |cause: String| {
                Failure::usage(format!("`{}` holds no token: {cause}", path.display()))
                    .remedy("name a file that holds what `aegis token create` printed")
            };
            let bytes = read_regular(path, TOKEN_BYTES_MAX)
                .map_err(|error| unreadable(error.to_string()))?;
            let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
            Some(text.trim().to_owned())
        }
        None => said(here, TOKEN).map(str::to_owned),
    };
    if token.as_ref().is_some_and(|token| !is_plain(token)) {
        return Err(
            Failure::usage("the token holds what no token holds").remedy(
                "give it as `aegis token create` printed it, in one line without anything else",
            ),
        );
    }
    let client = reach(address, &arguments.tls)?;
    Ok(Some(client.with_token(token)))
}

/// Returns what the variable `name` says; an empty one says nothing.
fn said<'a>(here: &'a Here, name: &str) -> Option<&'a str> {
    let value = here.surroundings.variables.get(name)?;
    (!value.is_empty()).then_some(value)
}

/// Returns the service that the environment names, if it names one.
fn named_in_environment(here: &Here) -> Result<Option<Address>, Failure> {
    let named = said(here, SERVER).map(str::parse).transpose();
    named.map_err(|error| {
        Failure::usage(format!("`{SERVER}`: {}", causes(&error)))
            .remedy("write an address such as `unix:/run/aegis/aegis.sock`, or unset it")
    })
}

/// Returns what the environment says of services, for a command without options
/// that could.
pub(crate) fn of_environment() -> Result<ServerArguments, Failure> {
    let none: [&str; 0] = [];
    let command = ServerArguments::augment_args(Command::new("environment").no_binary_name(true));
    command
        .try_get_matches_from(none)
        .and_then(|matches| ServerArguments::from_arg_matches(&matches))
        .map_err(|error| Failure::usage(error.to_string().trim_end().to_owned()))
}

/// Returns a client of the service at `address`, which trusts and shows what
/// `tls` names if the address is one of TLS.
pub(crate) fn reach(address: Address, tls: &ClientTlsArguments) -> Result<Client, Failure> {
    let Address::Tcp { is_tls: true, .. } = address else {
        if let Some(flag) = useless(tls) {
            let message = format!("`{flag}` has no effect: `{address}` does not speak TLS");
            return Err(Failure::usage(message).remedy(format!(
                "write `https://` if it does, or leave `{flag}` out"
            )));
        }
        return Ok(Client::new(SystemConnector::default(), address));
    };
    let Some(authorities) = &tls.ca else {
        let message = format!("nothing says whose certificate `{address}` has to show");
        return Err(Failure::usage(message)
            .remedy("name the file of its authority with `--ca FILE`, or in `AEGIS_CA`"));
    };
    let authorities = Authorities::read(authorities, opened(authorities)?)
        .map_err(|error| doors::unread(&error))?;
    let own = match (&tls.cert, &tls.key) {
        (None, None) => None,
        (Some(chain), Some(key)) => {
            let (chain, key) = ((&**chain, opened(chain)?), (&**key, opened(key)?));
            let own = Credentials::read(chain, key, SystemClock.now());
            Some(own.map_err(|error| doors::unread(&error))?)
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err(
                Failure::usage("a certificate needs its key, and a key its certificate")
                    .remedy("give both, `--cert FILE` and `--key FILE`"),
            );
        }
    };
    let connector = SecureConnector::new(&authorities, own.as_ref())
        .map_err(|error| Failure::usage(causes(&error)))?;
    Ok(Client::new(connector, address))
}

fn opened(path: &Path) -> Result<Opened, Failure> {
    open_regular(path).map_err(|source| doors::unread(&ReadCredentialsError::unread(path, source)))
}

/// Returns whether a token can stand in the head of a request.
fn is_plain(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns the option among `tls` that was given on the command line itself.
///
/// Those in the environment are for whatever service is asked, and none needs them.
fn useless(tls: &ClientTlsArguments) -> Option<&'static str> {
    let given = [
        ("--ca", "AEGIS_CA", &tls.ca),
        ("--cert", "AEGIS_CERT", &tls.cert),
        ("--key", "AEGIS_KEY", &tls.key),
    ];
    let is_from = |variable: &str, path: &Path| {
        std::env::var_os(variable).is_some_and(|value| value == path.as_os_str())
    };
    given
        .into_iter()
        .find(|(_, variable, path)| {
            let path = path.as_deref();
            path.is_some_and(|path| !is_from(variable, path))
        })
        .map(|(flag, ..)| flag)
}

/// Refuses `--server` beside `flag`, which names what is on this machine.
///
/// An address in the environment is for commands that name nothing else.
pub(crate) fn refuse_beside(arguments: &ServerArguments, flag: &str) -> Result<(), Failure> {
    if arguments.server.is_none() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`--server` has no effect beside `{flag}`, which is of this machine"
    ))
    .remedy("leave one of them out"))
}

/// Refuses a command that works on the log of this machine alone where the
/// environment names a service: the log here is not what was meant.
pub(crate) fn refuse_service(here: &Here, command: &str) -> Result<(), Failure> {
    let Some(address) = said(here, SERVER) else {
        return Ok(());
    };
    Err(Failure::usage(format!(
        "`{command}` works on the log of this machine alone, and `{SERVER}` names the service at \
         `{address}`"
    ))
    .remedy(format!(
        "run it where that service runs, as its user; for the log here, unset `{SERVER}`"
    )))
}

/// Turns what the service says into a failure of the command.
pub(crate) fn failure(error: &ClientError) -> Failure {
    let failure = Failure {
        message: causes(error),
        remedy: None,
        exit: exit(error),
    };
    match remedy(error) {
        Some(remedy) => failure.remedy(remedy),
        None => failure,
    }
}

/// Returns how a command ends that was answered like this.
fn exit(error: &ClientError) -> Exit {
    match error {
        ClientError::Problem(problem) => match problem.status {
            409 => Exit::No,
            408 | 504 => Exit::TimedOut,
            429 => Exit::Environment,
            400..500 => Exit::Usage,
            _ => Exit::Environment,
        },
        ClientError::Unreachable { source, .. } if source.kind() == io::ErrorKind::TimedOut => {
            Exit::TimedOut
        }
        ClientError::Unreachable { .. } | ClientError::Foreign { .. } | ClientError::Write(_) => {
            Exit::Environment
        }
    }
}

/// Returns what to do about an answer.
fn remedy(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::Problem(problem) => match problem.status {
            401 => Some("give a token with `--token-file FILE` or in `AEGIS_TOKEN`"),
            403 => Some(
                "give a token that lets do this; `aegis token create` makes one at the machine \
                 of the service",
            ),
            429 | 503 => Some("try again in a while"),
            _ => None,
        },
        ClientError::Unreachable { source, .. } => mistrust(error).or(unreached(source.kind())),
        ClientError::Foreign { .. } => {
            Some("look whether the address is that of a service of Aegis")
        }
        ClientError::Write(_) => None,
    }
}

/// Returns what to do where nobody answers.
fn unreached(kind: io::ErrorKind) -> Option<&'static str> {
    let absent = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
    if kind == io::ErrorKind::TimedOut {
        Some("whoever runs the service can see with `aegis daemon status` whether it hangs")
    } else if absent.contains(&kind) {
        Some(
            "start it with `aegis daemon start` or `aegis serve`, or name another with \
             `--server`",
        )
    } else {
        None
    }
}

/// Returns what to do where client and service do not trust each other.
pub(crate) fn mistrust(error: &ClientError) -> Option<&'static str> {
    let ClientError::Unreachable { source, .. } = error else {
        return None;
    };
    match source.get_ref()?.downcast_ref::<SecureError>()? {
        SecureError::Untrusted => Some("name its authority with `--ca FILE`, or in `AEGIS_CA`"),
        SecureError::OtherName { .. } | SecureError::HostName(_) => {
            Some("write the address with a name for which its certificate is")
        }
        SecureError::Expired => Some("who runs the service has to renew it"),
        SecureError::Clear => Some("write `http://` if it means to speak in clear text"),
        SecureError::Wanted => Some("show one with `--cert FILE` and `--key FILE`"),
        SecureError::Refused(_) => Some("show one that holds, of an authority that it knows"),
        SecureError::NotYet | SecureError::Certificate(_) | SecureError::Broken(_) => None,
    }
}

/// Returns whether the service answered with a problem of `kind`.
pub(crate) fn is(error: &ClientError, kind: ProblemKind) -> bool {
    matches!(error, ClientError::Problem(problem) if problem.code() == Some(kind.code()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_answer_of_a_service_ends_as_the_table_of_exit_codes_says() {
        let unreachable = |kind: io::ErrorKind| ClientError::Unreachable {
            address: Address::Unix("/run/aegis.sock".into()),
            source: kind.into(),
        };
        let problem = |status: u16| {
            let problem = json!({"type": "about:blank", "title": "x", "status": status,
                "detail": "x", "error": "x"});
            ClientError::Problem(Box::new(serde_json::from_value(problem).unwrap()))
        };
        for (error, exit) in [
            (problem(400), Exit::Usage),
            (problem(401), Exit::Usage),
            (problem(403), Exit::Usage),
            (problem(404), Exit::Usage),
            (problem(409), Exit::No),
            (problem(413), Exit::Usage),
            (problem(429), Exit::Environment),
            (problem(500), Exit::Environment),
            (problem(503), Exit::Environment),
            (problem(504), Exit::TimedOut),
            (unreachable(io::ErrorKind::TimedOut), Exit::TimedOut),
            (
                unreachable(io::ErrorKind::ConnectionRefused),
                Exit::Environment,
            ),
        ] {
            assert_eq!(failure(&error).exit, exit, "{error:?}");
        }
    }
}
