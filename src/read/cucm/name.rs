//! The name of a CUCM file: which node wrote it, when, and its number among the node's files. Knows no records.

use chrono::NaiveDateTime;

use crate::read::Marks;

/// Reads `cdr_CLUSTER_NODE_YYYYMMDDHHMM_NUMBER`, whatever stands behind the number; the cluster's name may hold `_`.
pub fn marks(name: &str) -> Option<Marks<'_>> {
    let family = ["cdr", "cmr"].into_iter().find(|family| name.split('_').next() == Some(family))?;
    let [number, minute, node] = {
        let mut from_the_end = name.rsplit('_');
        [from_the_end.next()?, from_the_end.next()?, from_the_end.next()?]
    };
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    let rest = number.get(digits..).filter(|rest| rest.is_empty() || rest.starts_with('.'))?;
    let sequence = number.strip_suffix(rest)?.parse().ok()?;
    let is_minute = minute.len() == 12 && minute.bytes().all(|b| b.is_ascii_digit());
    let named_at = NaiveDateTime::parse_from_str(minute, "%Y%m%d%H%M").ok().filter(|_| is_minute)?;
    let is_node = !node.is_empty() && node.bytes().all(|b| b.is_ascii_digit());
    let node = is_node.then(|| node.trim_start_matches('0'))?;
    Some(Marks { node, family, sequence: Some(sequence), named_at: Some(named_at.and_utc().timestamp()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_node_time_and_number() {
        // 2024-03-31 01:05 UTC
        let found = Marks { node: "2", family: "cdr", sequence: Some(41), named_at: Some(1_711_847_100) };
        assert_eq!(marks("cdr_StandAlone_02_202403310105_41"), Some(found));
        assert_eq!(marks("cdr_My_Cluster_02_202403310105_41.gz"), Some(found));
        assert_eq!(marks("cmr_StandAlone_02_202403310105_41").unwrap().family, "cmr");
    }

    #[test]
    fn other_names_tell_nothing() {
        for name in [
            "",
            "cdr",
            "cdr_",
            "CDR_Export.csv",
            "cdr_StandAlone_02_202403310105",
            "cdr_A_02_202403310105_4x",
            "cdr_A_02_202413310105_4",
            "cdr_A_02_20240331_4",
            "cdr_A_+2_202403310105_4",
            "cdr_A_02_202403310105_99999999999999999999",
            "xcdr_A_02_202403310105_4",
            "cdr_\u{e9}_\u{e9}_\u{e9}_\u{e9}",
        ] {
            assert_eq!(marks(name), None, "{name}");
        }
    }
}
