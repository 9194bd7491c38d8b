use super::*;

// B6
#[test]
fn a_time_to_live_is_1_to_86400_whole_seconds() {
    for (text, seconds) in [("1", 1), ("300", 300), ("86400", 86_400)] {
        assert_eq!(Ttl::parse(text).unwrap().duration(), Duration::from_secs(seconds));
    }
    let none = ["0", "-5", "86401", "9223372036854775", "9223372036854775807", "99999999999999999999"];
    for bad in none.into_iter().chain(["abc", "1.5", "", " ", "+5", "1 ", "١", "00000000000000000005"]) {
        assert_eq!(Ttl::parse(bad).unwrap_err().kind(), LeaseErrorKind::InvalidTtl, "{bad:?}");
    }
}
