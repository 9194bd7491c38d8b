use super::{BLOCK, FirstBase};

#[test]
fn a_base_is_a_multiple_of_100_that_leaves_room_for_its_block() {
    for (text, wanted) in [("4200", 4200), ("65400", 65400), ("5000", 5000), ("04300", 4300)] {
        assert_eq!(FirstBase::parse(text).unwrap().get(), wanted);
    }
    // runtime-state 8.31
    for text in ["3000", "4250", "abc", "65500", "", "-4200", "+4200", " 4200", "4200.5", "99999999999", "0"]
    {
        let error = FirstBase::parse(text).unwrap_err().to_string();
        let wanted = format!("{text:?} is no base of ports: a multiple of 100 from 4200 to 65400 is");
        assert_eq!(error, wanted);
    }
}

#[test]
fn blocks_begin_at_the_base_and_leave_out_5000() {
    let usual: Vec<u16> = FirstBase::USUAL.bases().collect();
    assert_eq!((usual.len(), usual[0], *usual.last().unwrap()), (57, 4200, 9900));
    assert!(!usual.contains(&5000));
    let from = |text| FirstBase::parse(text).unwrap().bases().collect::<Vec<_>>();
    assert_eq!(from("65300"), [65300, 65400], "no port is above 65535");
    assert_eq!(from("5000").first(), Some(&5100));
    assert_eq!(from("20000").len(), 58);
    let last = super::Block { base: 65400 }.ports();
    assert_eq!((*last.start(), *last.end(), last.len()), (65400, 65499, usize::from(BLOCK)));
}
