use super::*;

#[test]
fn boot_time_is_the_machines_and_never_goes_back() {
    let first = SystemBootClock.since_boot();
    // The first field of /proc/uptime is the same clock, in hundredths of a second.
    let Ok(uptime) = std::fs::read_to_string("/proc/uptime") else { return };
    let seconds: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
    let second = SystemBootClock.since_boot();
    assert!(second >= first);
    assert!(seconds >= first.as_secs_f64() - 0.02, "{seconds} < {first:?}");
    assert!(seconds <= second.as_secs_f64() + 0.02, "{seconds} > {second:?}");
}
