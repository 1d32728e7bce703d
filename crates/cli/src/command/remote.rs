//! Commands that ask a service instead of looking into the files of this machine.

use aegis_api::{Address, Client, ClientError, ProblemKind, SystemConnector};
use aegis_gate::{Clock as _, SystemClock, read_regular};
use aegis_tls::{Authorities, Credentials, SecureConnector, SecureError};
use clap::{Args as _, Command, FromArgMatches as _};

use crate::arguments::{ClientTlsArguments, ServerArguments};
use crate::command::doors;
use crate::exit::Exit;
use crate::here::Here;
use crate::report::{Failure, causes};

/// The variable that holds the token for the service.
const TOKEN: &str = "AEGIS_TOKEN";

/// The most bytes that a file with a token may have.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// Returns a client of the service that the arguments name, if they name one.
pub(crate) fn client(here: &Here, arguments: &ServerArguments) -> Result<Option<Client>, Failure> {
    let Some(address) = &arguments.server else {
        return match &arguments.token_file {
            Some(_) => Err(
                Failure::usage("a token is for a service, and none is named")
                    .remedy("name it with `--server ADDRESS`"),
            ),
            None => Ok(None),
        };
    };
    let token = match &arguments.token_file {
        Some(path) => {
            let unreadable = |cause: String| {
                Failure::usage(format!("`{}` holds no token: {cause}", path.display()))
            };
            let bytes = read_regular(path, TOKEN_BYTES_MAX)
                .map_err(|error| unreadable(error.to_string()))?;
            let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
            Some(text.trim().to_owned())
        }
        None => here.surroundings.variables.get(TOKEN).cloned(),
    };
    if token.as_ref().is_some_and(|token| !is_plain(token)) {
        return Err(Failure::usage("the token holds what no token holds"));
    }
    let client = reach(address.clone(), &arguments.tls)?;
    Ok(Some(client.with_token(token)))
}

/// Returns the service that the environment names, for a command without options
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
        return Ok(Client::new(SystemConnector::default(), address));
    };
    let Some(authorities) = &tls.ca else {
        let message = format!("nothing says whose certificate `{address}` has to show");
        return Err(Failure::usage(message)
            .remedy("name the file of its authority with `--ca FILE`, or in `AEGIS_CA`"));
    };
    let authorities = Authorities::read(authorities).map_err(|error| doors::unread(&error))?;
    let own = match (&tls.cert, &tls.key) {
        (None, None) => None,
        (Some(chain), Some(key)) => {
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

/// Returns whether a token can stand in the head of a request.
fn is_plain(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Turns what the service says into a failure of the command.
pub(crate) fn failure(error: &ClientError) -> Failure {
    let exit = match error {
        ClientError::Problem(problem) => match problem.status {
            400 | 404 => Exit::Usage,
            401 | 403 | 409 => Exit::No,
            _ => Exit::Environment,
        },
        ClientError::Unreachable { .. } | ClientError::Foreign { .. } | ClientError::Write(_) => {
            Exit::Environment
        }
    };
    let failure = Failure {
        message: causes(error),
        remedy: None,
        exit,
    };
    if is(error, ProblemKind::Unauthenticated) {
        return failure.remedy("give a token with `--token-file FILE` or in `AEGIS_TOKEN`");
    }
    match mistrust(error) {
        Some(remedy) => failure.remedy(remedy),
        None => failure,
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
