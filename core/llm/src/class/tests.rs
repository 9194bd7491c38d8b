use super::*;
use crate::host::Fallback;

// The table of the specification, section 3: what each class does to the breaker, whether the same host and the next one
// are asked, and whether the fallback is where the configuration names no classes.
#[test]
fn each_class_and_what_follows() {
    use {Class as K, Counts as C, Next as N, Same as S};
    let rows = [
        (K::Unreachable, C::Hard, S::IfAlone, N::Yes, true),
        (K::LocalNet, C::No, S::No, N::Yes, true),
        (K::Fault, C::Soft, S::Yes, N::Yes, true),
        (K::Timeout, C::Soft, S::No, N::IfNothingShown, true),
        (K::Deadline, C::No, S::No, N::No, false),
        (K::Cancelled, C::No, S::No, N::No, false),
        (K::Cut, C::Soft, S::Once, N::IfNothingShown, true),
        (K::Garbage, C::Soft, S::No, N::Yes, false),
        (K::Overloaded, C::No, S::AfterBlock, N::Yes, true),
        (K::Throttled, C::No, S::AfterBlock, N::Yes, true),
        (K::Busy, C::No, S::No, N::Yes, true),
        (K::Quota, C::No, S::No, N::Yes, false),
        (K::Auth, C::No, S::No, N::Yes, false),
        (K::NoModel, C::No, S::No, N::Yes, true),
        (K::WrongPath, C::No, S::No, N::Yes, false),
        (K::TooLong, C::No, S::No, N::LargerContext, false),
        (K::BadRequest, C::No, S::No, N::No, false),
        (K::Redirect, C::No, S::No, N::Yes, false),
        (K::Empty, C::Success, S::Once, N::Yes, false),
        (K::Config, C::No, S::No, N::Yes, false),
    ];
    assert_eq!(rows.map(|row| row.0), Class::ALL);
    for (class, counts, same, next, fallback) in rows {
        assert_eq!(class.consequence(), Consequence { counts, same, next }, "{class:?}");
        let is_on =
            class == K::LocalNet && Fallback::ON.contains(&K::Unreachable) || Fallback::ON.contains(&class);
        assert_eq!(is_on, fallback, "{class:?}");
    }
}

#[test]
fn words_of_classes() {
    for class in Class::ALL {
        assert_eq!(Class::parse(class.as_str()), Some(class));
        assert_eq!(serde_json::to_value(class).expect("a word"), class.as_str());
    }
    assert_eq!(Class::parse("Fault"), None);
    assert_eq!(Class::parse(""), None);
}

#[test]
fn the_callers_own_faults() {
    let own: Vec<&str> =
        Class::ALL.into_iter().filter(|class| class.is_callers()).map(Class::as_str).collect();
    assert_eq!(own, ["auth", "wrong_path", "too_long", "bad_request", "config"]);
}
