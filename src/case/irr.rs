//! The internal rate of return of yearly amounts. Where the amounts change sign more than once there may be several
//! rates: whoever asks sees to that (`appraise`).

/// The rate at which the amounts, the first undiscounted, are worth nothing; none between −99 % and 1,000 %.
pub fn rate(flow: &[f64]) -> Option<f64> {
    let worth = |rate: f64| flow.iter().rev().fold(0.0, |sum, amount| sum / (1.0 + rate) + amount);
    let (mut low, mut high) = (-0.99, 10.0);
    let sign = worth(low) > 0.0;
    if sign == (worth(high) > 0.0) {
        return None;
    }
    // Two hundred halvings are past the last bit.
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if (worth(middle) > 0.0) == sign { low = middle } else { high = middle }
    }
    Some((low + high) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// £m −2.0, 0.5, 0.9 × 4 returns 27.216009 % (peers-and-standards.md 3.2).
    #[test]
    fn the_rate_is_that_of_the_oracle() {
        let rate = rate(&[-2.0, 0.5, 0.9, 0.9, 0.9, 0.9]).unwrap();
        assert!((rate - 0.272_160_09).abs() < 5e-9, "{rate}");
    }

    #[test]
    fn what_never_turns_has_no_rate() {
        assert_eq!(rate(&[1.0, 2.0]), None);
        assert_eq!(rate(&[0.0, 0.0]), None);
    }
}
