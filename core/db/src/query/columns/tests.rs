use super::distinct;

#[test]
fn no_two_columns_have_one_name() {
    let check = |names: &[&str], expected: &[&str]| assert_eq!(distinct(names), expected, "{names:?}");
    check(&[], &[]);
    check(&["a", "b"], &["a", "b"]);
    check(&["a", "a", "a"], &["a", "a_2", "a_3"]);
    // What is named so already keeps its name.
    check(&["a", "a", "a_2"], &["a", "a_3", "a_2"]);
    check(&["a_2", "a", "a", "a_2"], &["a_2", "a", "a_3", "a_2_2"]);
    check(&["", ""], &["", "_2"]);
    check(&["a", "A"], &["a", "A"]);
}
