//! How sure it is that a person answered, and not who asked.

use aegis_types::Assurance;

/// Who answers an approval.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answerer<'a> {
    /// A person at this machine.
    Person {
        /// The number of the user.
        user: u32,
    },
    /// Whoever holds a token or the key of a certificate.
    Holder {
        /// Under what the log has who names themselves by it.
        name: &'a str,
        /// Whether its process is seen, so that its descent can be checked.
        is_seen: bool,
    },
}

/// Returns how sure an answer is to a request that `requester` made, given to
/// a service that runs as the user `service`.
///
/// High is a factor that the requester cannot reach. Where the service runs as
/// the requester's own user there is none: that user can read whatever it
/// keeps, tokens among it. Of a requester that nobody knows as much is assumed.
/// A token or certificate that comes from where no process is seen is then not even low,
/// because it cannot be told from the agent's own.
pub(crate) fn assurance_of(
    answerer: Answerer<'_>,
    requester: Option<&str>,
    service: u32,
) -> Assurance {
    let account = requester
        .and_then(|requester| requester.strip_prefix("user:"))
        .and_then(|number| number.parse::<u32>().ok());
    let is_apart = match (answerer, requester, account) {
        (Answerer::Person { user }, _, Some(account)) => user != account && account != service,
        (Answerer::Holder { .. }, _, Some(account)) => account != service,
        (Answerer::Holder { name, .. }, Some(requester), None) => requester != name,
        (Answerer::Person { .. }, _, None) | (Answerer::Holder { .. }, None, None) => false,
    };
    match answerer {
        _ if is_apart => Assurance::High,
        Answerer::Holder { is_seen: false, .. } => Assurance::Host,
        Answerer::Holder { is_seen: true, .. } | Answerer::Person { .. } => Assurance::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: u32 = 900;
    const ANA: u32 = 1_000;

    fn check(answerer: Answerer<'_>, requester: Option<&str>, expected: Assurance) {
        let found = assurance_of(answerer, requester, SERVICE);
        assert_eq!(found, expected, "{answerer:?} {requester:?}");
    }

    const fn token(is_seen: bool) -> Answerer<'static> {
        Answerer::Holder {
            name: "token:abc",
            is_seen,
        }
    }

    #[test]
    fn another_account_than_the_requesters_is_out_of_its_reach() {
        let requester = Some("user:1000");
        check(Answerer::Person { user: 0 }, requester, Assurance::High);
        check(Answerer::Person { user: 900 }, requester, Assurance::High);
        check(token(false), requester, Assurance::High);
    }

    #[test]
    fn the_same_account_is_not() {
        let requester = Some("user:1000");
        check(Answerer::Person { user: ANA }, requester, Assurance::Low);
    }

    #[test]
    fn a_service_of_the_requesters_own_account_makes_nothing_sure() {
        let requester = Some("user:900");
        check(Answerer::Person { user: 900 }, requester, Assurance::Low);
        check(Answerer::Person { user: 0 }, requester, Assurance::Low);
        check(token(true), requester, Assurance::Low);
        check(token(false), requester, Assurance::Host);
    }

    #[test]
    fn nobody_knows_who_asked_so_nothing_is_sure() {
        check(Answerer::Person { user: 0 }, None, Assurance::Low);
        check(token(true), None, Assurance::Low);
        check(token(false), None, Assurance::Host);
    }

    #[test]
    fn a_token_is_out_of_reach_of_who_asks_by_another_one() {
        check(token(false), Some("token:def"), Assurance::High);
        check(token(false), Some("token:abc"), Assurance::Host);
        check(
            Answerer::Person { user: 0 },
            Some("token:def"),
            Assurance::Low,
        );
    }
}
