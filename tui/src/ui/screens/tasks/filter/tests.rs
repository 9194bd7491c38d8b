//! Which tasks a filter lets through.

use proptest::prelude::*;

use super::Filter;
use crate::ui::screens::tasks::Row;

fn row() -> Row {
    Row {
        id: "bd-a3f8".into(),
        title: "Fix the import".into(),
        status: Some("open".into()),
        priority: Some(0),
        kind: Some("bug".into()),
        labels: vec!["data-loss".into()],
        ..Row::default()
    }
}

#[test]
fn words_match_anywhere_and_fields_one_column() {
    for (text, wanted) in [
        ("", true),
        ("fiximp", true),
        ("a3f8", true),
        ("loss", true),
        ("zzz", false),
        ("label:loss", true),
        ("label:import", false),
        ("p:0", true),
        ("p:1", false),
        ("type:bug", true),
        ("type:bug p:1", false),
        ("who:ana", false),
        ("who:none", true),
        ("status:open id:bd-", true),
        ("p:", true),
    ] {
        assert_eq!(Filter::parse(text).matches(&row()), wanted, "{text}");
    }
    let nobody = Filter::parse("p:none");
    assert!(nobody.matches(&Row::default()) && !nobody.matches(&row()));
}

#[test]
fn a_search_takes_all_that_stands_behind_it() {
    let filter = Filter::parse("type:bug text: lost  edges p:1");
    assert_eq!(filter.search(), Some("lost  edges p:1"));
    assert!(filter.matches(&row()) && !filter.lets_all_through());
    assert_eq!(Filter::parse("text:").search(), None);
    assert_eq!(Filter::parse("context:x").search(), None);
    assert!(Filter::parse("context:x").complaint().is_some_and(|text| text.contains("context")));
}

proptest! {
    #[test]
    fn any_text_is_a_filter(text in any::<String>()) {
        Filter::parse(&text).matches(&row());
    }
}
