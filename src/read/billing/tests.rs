//! Tests of the reader of bills; the fixtures are made after the carriers' pages and BT's genuine columns.

use proptest::prelude::*;

use super::*;
use crate::layout::Options;
use crate::read::testing::{any_split_gives_the_same, decode, fixtures, fixtures_become_what_stands_beside_them, open};

#[test]
fn fixtures_become_the_records_beside_them() {
    fixtures_become_what_stands_beside_them(&FcsUk, |_| Options::default());
}

#[test]
fn any_bytes_are_accounted_for() {
    any_split_gives_the_same(&FcsUk, |_| Options::default());
}

#[test]
fn its_headers_are_sure_and_others_are_not() {
    for fixture in fixtures("fcs-uk") {
        let expected = match fixture.name.as_str() {
            "no-header" | "blank" | "damaged" => Likelihood::No,
            "lacks-party" => Likelihood::Maybe,
            _ => Likelihood::Sure,
        };
        assert_eq!(FcsUk.sniff(&fixture.bytes, &fixture.name), expected, "{}", fixture.name);
    }
    for other in [
        "cdrRecordType,globalCallID_callManagerId,duration\n",
        "UsageId,Call ID,Conference ID,User Principal Name,Start time,Duration seconds\n",
        "Date,Time,Duration,CalledNo\n",
        "call date,call time\n",
    ] {
        assert_eq!(FcsUk.sniff(other.as_bytes(), "calls.csv"), Likelihood::No, "{other}");
    }
}

/// Headers are held against each other: without an end of them that would take the square of their number.
#[test]
fn headers_without_end_are_refused() {
    let text: String =
        (0..65).map(|n| format!("Call Type,Customer Identifier,Call Date,Call Time{}\n", ",x".repeat(n))).collect();
    let received_on = NaiveDate::from_ymd_opt(2024, 4, 2).unwrap();
    let error = open(&FcsUk, &Options::default(), text.as_bytes(), "", received_on).err().unwrap();
    assert!(error.to_string().starts_with("line 65: more different headers"), "{error}");
}

/// The month's file tells the day's calls again: the same ids, whatever was corrected.
#[test]
fn a_restated_call_has_the_same_id() {
    let header = "Call Type,Customer Identifier,Non-Charged Party,Call Date,Call Time,Duration,Salesprice,Record ID\n";
    let ids = |price: &str| {
        let text = format!("{header}V,02079460101,01632960201,04/03/2024,09:00:00,10,{price},A1\n");
        let received_on = NaiveDate::from_ymd_opt(2024, 4, 2).unwrap();
        let decoder = open(&FcsUk, &Options::default(), text.as_bytes(), "", received_on).unwrap();
        decode(&*decoder, 1, text.as_bytes()).remove(1).1.remove("id").unwrap()
    };
    assert_eq!(ids("0.01"), ids("0.02"));
}

/// A call charged to a line must not vanish because a bill from elsewhere has letters of its own.
#[test]
fn only_rows_without_a_call_are_left_out() {
    let columns = "Call Type,Customer Identifier,Non-Charged Party,Call Date,Call Time,Duration,Bytes Received,Description,Salesprice";
    let columns = Columns::of(columns.as_bytes()).unwrap().unwrap();
    let left_out = |row: &str| {
        let mut fields = Fields::default();
        columns.split(row, &mut fields).unwrap();
        record::no_call(&columns, &fields).is_some()
    };
    for letter in ["V", "VOIP", "D", "C", "N", "I", "U", "B", "X", "M", "Z", ""] {
        assert!(!left_out(&format!("{letter},1,2,d,t,10,,Reading,0.01")), "{letter}");
        assert!(!left_out(&format!("{letter},1,2,d,t,10,0,Message service,0.01")), "{letter}");
    }
    assert!(!left_out("V,1,2,d,t,,,Reading,0.01"));
    for row in ["G,1,2,d,t,10,,,0", "D,1,,d,t,0,900,,0", "X,1,2,d,t,,,,0", "V,1,2,d,t,0,,MMS,0", "V,1,2,d,t,5,,,-0.01"]
    {
        assert!(left_out(row), "{row}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let received_on = NaiveDate::from_ymd_opt(2024, 6, 1).unwrap();
        let _ = FcsUk.sniff(&bytes, "");
        if let Ok(decoder) = open(&FcsUk, &Options::default(), &bytes, "", received_on) {
            decode(&*decoder, 1, &bytes);
        }
    }
}
