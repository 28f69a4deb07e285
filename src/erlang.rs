//! Traffic arithmetic: how many circuits or agents so much traffic needs. It knows no calls, no hours and no SQL.
//!
//! Erlang B, for circuits: a call that finds none free is lost. Erlang C, for agents: it waits, and nobody gives up, so
//! that C asks for more agents than it takes. Traffic is in erlangs, the mean number of calls held at once, and is what is
//! *offered*: what records show was *carried*, and offered ≈ carried / (1 − blocking).

/// The most circuits that are tabulated or looked for, and the most agents that are looked for.
pub const MOST_CIRCUITS: u32 = 2000;

/// The most agents that are tabulated.
pub const MOST_AGENTS: u32 = 300;

/// The grades of service of [`table`]: the share of calls lost.
pub const GRADES: [f64; 5] = [0.001, 0.005, 0.01, 0.02, 0.05];

/// The grades of [`waiting_table`]: the share of calls that wait.
pub const WAITING_CHANCES: [f64; 5] = [0.05, 0.1, 0.2, 0.3, 0.5];

/// The most traffic, in erlangs, that so many circuits (or agents) take at a grade of service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The share of calls that may be lost; in [`waiting_table`] the share that may wait.
    pub grade: f64,
    /// Circuits; in [`waiting_table`] agents.
    pub circuits: u32,
    pub erlangs: f64,
}

/// The share of calls that find every circuit busy (Erlang B). No traffic is never blocked, traffic without circuits always;
/// NaN if `erlangs` is negative or NaN.
pub fn blocking(erlangs: f64, circuits: u32) -> f64 {
    if erlangs.is_nan() || erlangs < 0.0 {
        return f64::NAN;
    }
    if erlangs == 0.0 {
        return 0.0;
    }
    if erlangs.is_infinite() {
        return 1.0;
    }
    let [blocking] = blocking_of([erlangs], circuits);
    blocking
}

/// The smallest number of circuits that block no more than `grade` of the calls. `None` if that is more than
/// [`MOST_CIRCUITS`], if `erlangs` is not a finite number from 0, or if `grade` is not between 0 and 1.
pub fn circuits(erlangs: f64, grade: f64) -> Option<u32> {
    let makes_sense = erlangs.is_finite() && erlangs >= 0.0 && grade > 0.0 && grade < 1.0;
    if !makes_sense || erlangs == 0.0 {
        return makes_sense.then_some(0);
    }
    let mut blocking = 1.0;
    (1..=MOST_CIRCUITS).find(|n| {
        blocking = one_more(blocking, erlangs, f64::from(*n));
        blocking <= grade
    })
}

/// The most offered traffic of which so many circuits block no more than `grade`, to the last bit: the next number up is
/// blocked more. 0 without circuits, for a grade of 0 or less, and for one that is no number; infinite from a grade of 1.
pub fn most_erlangs(circuits: u32, grade: f64) -> f64 {
    if circuits == 0 || grade.is_nan() || grade <= 0.0 {
        return 0.0;
    }
    if grade >= 1.0 {
        return f64::INFINITY;
    }
    // More cannot be: all circuits would have to carry more than one erlang each.
    most(f64::from(circuits) / (1.0 - grade), |erlangs| blocking(erlangs, circuits) <= grade)
}

/// [`most_erlangs`] for every one of [`GRADES`] and 0 to [`MOST_CIRCUITS`] circuits, by grade, then circuits.
///
/// The traffic is at most 4e-12 of itself below the exact figure and never above it, so that the fewest circuits whose
/// traffic suffices are those of [`circuits`] for all traffic that does not lie in this gap.
pub fn table() -> Vec<Row> {
    tabulate(GRADES, MOST_CIRCUITS, most_erlangs, blocked_share)
}

/// The share of calls that must wait for an agent (Erlang C): all of them unless there are more agents than erlangs. NaN if
/// `erlangs` is negative or NaN.
pub fn waiting(erlangs: f64, agents: u32) -> f64 {
    let blocking = blocking(erlangs, agents);
    if blocking.is_nan() || erlangs == 0.0 {
        return blocking;
    }
    let agents = f64::from(agents);
    if agents <= erlangs { 1.0 } else { agents * blocking / (agents - erlangs * (1.0 - blocking)) }
}

/// [`most_erlangs`] for waiting: the most traffic of which no more than `chance` waits for so many agents.
pub fn most_erlangs_waiting(agents: u32, chance: f64) -> f64 {
    if agents == 0 || chance.is_nan() || chance <= 0.0 {
        return 0.0;
    }
    if chance >= 1.0 {
        return f64::INFINITY;
    }
    most(f64::from(agents), |erlangs| waiting(erlangs, agents) <= chance)
}

/// [`most_erlangs_waiting`] for every one of [`WAITING_CHANCES`] and 0 to [`MOST_AGENTS`] agents, as exact as [`table`].
pub fn waiting_table() -> Vec<Row> {
    tabulate(WAITING_CHANCES, MOST_AGENTS, most_erlangs_waiting, waiting_share)
}

/// The share of calls that are answered within so many seconds, each handled for `handling_s` seconds in the mean.
pub fn service_level(erlangs: f64, agents: u32, handling_s: f64, within_s: f64) -> f64 {
    let spare = f64::from(agents) - erlangs;
    let waiting = waiting(erlangs, agents);
    if spare > 0.0 { 1.0 - waiting * (-spare * within_s / handling_s).exp() } else { 1.0 - waiting }
}

/// The mean wait of all calls, in seconds; infinite where the agents cannot keep up.
pub fn mean_wait_s(erlangs: f64, agents: u32, handling_s: f64) -> f64 {
    let spare = f64::from(agents) - erlangs;
    match waiting(erlangs, agents) {
        waiting if waiting > 0.0 && spare <= 0.0 => f64::INFINITY,
        waiting if waiting > 0.0 => waiting * handling_s / spare,
        none => none,
    }
}

/// The fewest agents who answer at least `share` of the calls within `within_s` seconds. `None` if more than
/// [`MOST_CIRCUITS`] would be needed, if `share` is not between 0 and 1, or if another figure is negative or no number.
pub fn agents(calls_per_hour: f64, handling_s: f64, within_s: f64, share: f64) -> Option<u32> {
    let given = [calls_per_hour, handling_s, within_s];
    let makes_sense = given.iter().all(|x| x.is_finite() && *x >= 0.0) && share > 0.0 && share < 1.0;
    if !makes_sense {
        return None;
    }
    let erlangs = calls_per_hour * handling_s / 3600.0;
    // Fewer agents than erlangs answer nothing in time; a product beyond all numbers leaves an empty range.
    (erlangs.floor() as u32..=MOST_CIRCUITS).find(|n| service_level(erlangs, *n, handling_s, within_s) >= share)
}

/// Erlang B from one circuit fewer. It neither overflows nor loses digits, as factorials would.
fn one_more(blocking: f64, erlangs: f64, circuits: f64) -> f64 {
    let waiting = erlangs * blocking;
    waiting / (circuits + waiting)
}

/// Erlang B for several positive, finite loads at once: each step waits for a division, which the others fill.
// Inlined it is compiled to take twice as long.
#[inline(never)]
fn blocking_of<const N: usize>(erlangs: [f64; N], circuits: u32) -> [f64; N] {
    let mut blocking = [1.0; N];
    for n in 1..=circuits {
        let n = f64::from(n);
        for (blocking, erlangs) in blocking.iter_mut().zip(erlangs) {
            *blocking = one_more(*blocking, erlangs, n);
        }
    }
    blocking
}

/// The largest number from 0 to below `beyond` that suits, to the last bit, by halving.
fn most(beyond: f64, suits: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, beyond);
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return low;
        }
        if suits(middle) { low = middle } else { high = middle }
    }
}

/// For [`tabulate`]: the share of calls lost, and its elasticity.
fn blocked_share(_: f64, _: f64, blocking: f64, idle: f64) -> (f64, f64) {
    (blocking, idle)
}

/// For [`tabulate`]: the share of calls that wait, and its elasticity.
fn waiting_share(erlangs: f64, agents: f64, blocking: f64, idle: f64) -> (f64, f64) {
    // The derivative of erlangs × (1 − blocking).
    let carried = 1.0 - blocking - blocking * idle;
    (agents * blocking / idle, idle + erlangs * carried / idle)
}

/// The traffic at one grade while [`tabulate`] goes from circuit to circuit.
#[derive(Clone, Copy)]
struct Column {
    grade: f64,
    erlangs: f64,
    /// How much more the last circuit took.
    rise: f64,
    found: bool,
}

/// The most traffic for every grade and number of circuits.
///
/// Halving takes fifty steps a row; Newton's method, from where the last two rows point, two. In logarithms the share of
/// calls lost or waiting is close to a straight line. `share` gives it and its elasticity, d ln share / d ln erlangs, from
/// erlangs, circuits, blocking and the idle circuits, circuits − erlangs × (1 − blocking), which are the elasticity of
/// blocking itself. Where Newton fails, as it may on the first rows, halving (`exact`) answers.
fn tabulate<const N: usize>(
    grades: [f64; N],
    most_circuits: u32,
    exact: impl Fn(u32, f64) -> f64,
    share: impl Fn(f64, f64, f64, f64) -> (f64, f64),
) -> Vec<Row> {
    // How far below the grade to aim: above the rounding of the recursion, so that no traffic found is too much.
    const AIM: f64 = 1e-12;
    const ROUNDS: usize = 6;

    let mut columns = grades.map(|grade| Column { grade, erlangs: 0.0, rise: 0.0, found: false });
    let mut rows = Vec::new();
    for circuits in 0..=most_circuits {
        let before = columns;
        for column in &mut columns {
            column.erlangs += column.rise;
        }
        for _ in 0..ROUNDS {
            let blocking = blocking_of(columns.map(|column| column.erlangs), circuits);
            for (Column { grade, erlangs, found, .. }, blocking) in columns.iter_mut().zip(blocking) {
                let idle = f64::from(circuits) - *erlangs * (1.0 - blocking);
                let (share, elasticity) = share(*erlangs, f64::from(circuits), blocking, idle);
                *found = share <= *grade && share >= *grade * (1.0 - 3.0 * AIM);
                if !*found {
                    *erlangs *= (*grade * (1.0 - AIM) / share).powf(1.0 / elasticity);
                }
            }
            if columns.iter().all(|column| column.found) {
                break;
            }
        }
        for (column, before) in columns.iter_mut().zip(before) {
            if !column.found {
                column.erlangs = exact(circuits, column.grade);
            }
            column.rise = column.erlangs - before.erlangs;
            rows.push(Row { grade: column.grade, circuits, erlangs: column.erlangs });
        }
    }
    rows.sort_by(|a, b| a.grade.total_cmp(&b.grade));
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The figures of the tests named `…oracles` come from exact rational arithmetic, made outside this program.
    #[test]
    fn blocking_meets_the_oracles_to_ten_digits() {
        for (erlangs, circuits, expected) in [
            (1.0, 1, "0.5000000000"),
            (1.0, 2, "0.2000000000"),
            (2.0, 4, "0.0952380952"),
            (0.5, 3, "0.0126582278"),
            (5.0, 10, "0.0183845703"),
            (10.0, 10, "0.2145823431"),
            (10.0, 15, "0.0364969455"),
            (10.0, 18, "0.0071424382"),
            (10.0, 20, "0.0018690499"),
            (20.0, 20, "0.1588919615"),
            (20.0, 30, "0.0084574983"),
            (50.0, 64, "0.0084394267"),
            (100.0, 100, "0.0757004527"),
            (100.0, 117, "0.0097900711"),
            (300.0, 324, "0.0094512025"),
            (500.0, 526, "0.0101514582"),
            (1000.0, 1000, "0.0248119176"),
            (1000.0, 1029, "0.0099418865"),
            (1500.0, 1536, "0.0080163959"),
        ] {
            assert_eq!(format!("{:.10}", blocking(erlangs, circuits)), expected, "B({erlangs}, {circuits})");
        }
    }

    /// The smallest number of circuits for so many erlangs, by [`GRADES`].
    const SMALLEST: [(u32, [u32; 5]); 14] = [
        (1, [6, 5, 5, 4, 4]),
        (2, [8, 7, 7, 6, 5]),
        (5, [14, 12, 11, 10, 9]),
        (10, [21, 19, 18, 17, 15]),
        (20, [35, 32, 30, 28, 26]),
        (30, [47, 44, 42, 39, 36]),
        (50, [71, 66, 64, 61, 56]),
        (100, [128, 121, 117, 113, 105]),
        (150, [183, 174, 170, 164, 154]),
        (200, [238, 227, 221, 214, 202]),
        (300, [344, 331, 324, 315, 298]),
        (500, [555, 537, 527, 514, 489]),
        (1000, [1072, 1045, 1029, 1009, 966]),
        (1500, [1585, 1550, 1529, 1501, 1442]),
    ];

    /// What a query does: the first row of a grade whose traffic suffices.
    fn look_up(table: &[Row], grade: f64, erlangs: f64) -> Option<u32> {
        let at_grade = table.iter().filter(|row| row.grade == grade && row.erlangs >= erlangs);
        at_grade.map(|row| row.circuits).min()
    }

    #[test]
    fn circuits_and_table_meet_the_oracles_at_every_grade() {
        let table = table();
        for (erlangs, by_grade) in SMALLEST {
            for (grade, expected) in GRADES.into_iter().zip(by_grade) {
                assert_eq!(circuits(f64::from(erlangs), grade), Some(expected), "{erlangs} E at {grade}");
                assert_eq!(look_up(&table, grade, f64::from(erlangs)), Some(expected), "{erlangs} E at {grade}");
            }
        }
    }

    #[test]
    fn most_erlangs_and_table_meet_the_oracles_at_one_percent() {
        let table = table();
        for (circuits, expected) in [
            (1, "0.0101"),
            (2, "0.1526"),
            (3, "0.4555"),
            (5, "1.3608"),
            (10, "4.4612"),
            (15, "8.1080"),
            (20, "12.0306"),
            (24, "15.2950"),
            (30, "20.3373"),
            (48, "36.1086"),
            (60, "46.9497"),
            (100, "84.0642"),
            (120, "102.9636"),
            (200, "179.7380"),
            (300, "277.1255"),
            (480, "454.2650"),
            (960, "931.2929"),
        ] {
            assert_eq!(format!("{:.4}", most_erlangs(circuits, 0.01)), expected, "{circuits} circuits");
            let row = table.iter().find(|row| row.grade == 0.01 && row.circuits == circuits).expect("a row");
            assert_eq!(format!("{:.4}", row.erlangs), expected, "{circuits} circuits in the table");
        }
    }

    #[test]
    fn pooling_ten_groups_saves_63_circuits() {
        let alone = circuits(10.0, 0.01).map(|n| 10 * n);
        assert_eq!((alone, circuits(100.0, 0.01)), (Some(180), Some(117)));
    }

    /// Every row: its traffic is within the grade, and hardly more of it is not.
    fn is_exact(table: &[Row], grades: [f64; 5], most: u32, share: impl Fn(f64, u32) -> f64) {
        let keys: Vec<(f64, u32)> = table.iter().map(|row| (row.grade, row.circuits)).collect();
        let expected: Vec<(f64, u32)> = grades.iter().flat_map(|grade| (0..=most).map(|n| (*grade, n))).collect();
        assert_eq!(keys, expected);
        for row in table {
            assert!(share(row.erlangs, row.circuits) <= row.grade, "too much: {row:?}");
            let more = (row.erlangs * (1.0 + 4e-12)).max(f64::MIN_POSITIVE);
            assert!(share(more, row.circuits) > row.grade, "too little: {row:?}");
        }
    }

    /// More circuits take more traffic, and so does a looser grade.
    fn is_monotone(table: &[Row], most: u32) {
        let columns: Vec<&[Row]> = table.chunks(most as usize + 1).collect();
        for column in &columns {
            assert_eq!(column[0].erlangs, 0.0);
            assert!(column.windows(2).all(|pair| pair[0].erlangs < pair[1].erlangs));
        }
        for pair in columns.windows(2) {
            assert!(pair[0].iter().zip(pair[1]).skip(1).all(|(strict, loose)| strict.erlangs < loose.erlangs));
        }
    }

    #[test]
    fn the_tables_are_exact_and_monotone() {
        let (lost, waits) = (table(), waiting_table());
        is_exact(&lost, GRADES, MOST_CIRCUITS, blocking);
        is_exact(&waits, WAITING_CHANCES, MOST_AGENTS, waiting);
        is_monotone(&lost, MOST_CIRCUITS);
        is_monotone(&waits, MOST_AGENTS);
    }

    /// Newton's method in the table, halving in the function and counting in [`circuits`] give one answer.
    #[test]
    fn table_and_functions_agree() {
        let table = table();
        for row in table.iter().filter(|row| row.circuits % 37 == 1) {
            let exact = most_erlangs(row.circuits, row.grade);
            assert!(row.erlangs <= exact && row.erlangs >= exact * (1.0 - 4e-12), "{row:?} against {exact}");
            assert!(blocking(exact.next_up(), row.circuits) > row.grade, "{row:?}");
        }
        for column in table.chunks(MOST_CIRCUITS as usize + 1) {
            for erlangs in (0..8800).map(|quarters| f64::from(quarters) / 4.0) {
                let looked_up = column.get(column.partition_point(|row| row.erlangs < erlangs));
                assert_eq!(looked_up.map(|row| row.circuits), circuits(erlangs, column[0].grade), "{erlangs} E");
            }
        }
    }

    /// Halving for every row would take seconds: it is for the first rows only.
    #[test]
    fn newton_finds_nearly_every_row() {
        let halved = std::cell::RefCell::new(Vec::new());
        let remember = |circuits, grade| {
            halved.borrow_mut().push(circuits);
            most_erlangs(circuits, grade)
        };
        tabulate(GRADES, MOST_CIRCUITS, remember, blocked_share);
        assert!(halved.borrow().iter().all(|circuits| *circuits < 4), "{halved:?}");

        halved.borrow_mut().clear();
        let remember = |agents, chance| {
            halved.borrow_mut().push(agents);
            most_erlangs_waiting(agents, chance)
        };
        tabulate(WAITING_CHANCES, MOST_AGENTS, remember, waiting_share);
        assert!(halved.borrow().iter().all(|agents| *agents < 4), "{halved:?}");
    }

    #[test]
    fn edges_and_nonsense() {
        assert_eq!((blocking(0.0, 0), blocking(0.0, 7), blocking(3.0, 0)), (0.0, 0.0, 1.0));
        assert_eq!((blocking(f64::INFINITY, 9), blocking(1e-300, 2000)), (1.0, 0.0));
        assert!(blocking(-1.0, 3).is_nan() && blocking(f64::NAN, 3).is_nan() && waiting(-1.0, 3).is_nan());
        assert_eq!((circuits(0.0, 0.01), circuits(1e9, 0.01), circuits(1950.0, 0.001)), (Some(0), None, None));
        for (erlangs, grade) in [(-1.0, 0.01), (f64::NAN, 0.01), (f64::INFINITY, 0.01), (1.0, 0.0), (1.0, 1.0)] {
            assert_eq!(circuits(erlangs, grade), None, "{erlangs} E at {grade}");
        }
        assert_eq!((circuits(1.0, f64::NAN), most_erlangs(0, 0.01), most_erlangs(9, f64::NAN)), (None, 0.0, 0.0));
        assert_eq!((most_erlangs(9, 0.0), most_erlangs(9, 1.0)), (0.0, f64::INFINITY));
        assert_eq!((most_erlangs_waiting(0, 0.2), most_erlangs_waiting(9, 1.0)), (0.0, f64::INFINITY));
        // Agents who cannot keep up, and no calls at all.
        assert_eq!((waiting(5.0, 5), waiting(6.0, 5), waiting(0.0, 0), waiting(0.0, 2)), (1.0, 1.0, 0.0, 0.0));
        assert_eq!((mean_wait_s(5.0, 5, 180.0), service_level(5.0, 5, 180.0, 20.0)), (f64::INFINITY, 0.0));
        assert_eq!((mean_wait_s(0.0, 0, 180.0), service_level(0.0, 0, 180.0, 20.0)), (0.0, 1.0));
        assert_eq!((agents(0.0, 180.0, 20.0, 0.8), agents(1e6, 180.0, 20.0, 0.8)), (Some(0), None));
        assert_eq!((agents(1e300, 1e300, 20.0, 0.8), agents(100.0, -1.0, 20.0, 0.8)), (None, None));
        assert_eq!((agents(100.0, 180.0, 20.0, 1.0), agents(f64::NAN, 180.0, 20.0, 0.8)), (None, None));
    }

    /// Chances of waiting by [`waiting`], and the table between them: it brackets what an oracle says of a number of agents.
    #[test]
    fn waiting_meets_the_oracles_to_ten_digits() {
        let table = waiting_table();
        for (erlangs, agents, expected) in [
            (1.0, 2, "0.3333333333"),
            (2.0, 3, "0.4444444444"),
            (5.0, 6, "0.5875164505"),
            (5.0, 8, "0.1672665067"),
            (8.0, 10, "0.4091801508"),
            (10.0, 12, "0.4493882243"),
            (10.0, 14, "0.1741319336"),
            (20.0, 24, "0.2980722998"),
            (50.0, 55, "0.3845473179"),
            (100.0, 110, "0.2370075003"),
        ] {
            assert_eq!(format!("{:.10}", waiting(erlangs, agents)), expected, "C({erlangs}, {agents})");
            let oracle: f64 = expected.parse().expect("a number");
            for row in table.iter().filter(|row| row.circuits == agents) {
                assert_eq!(row.erlangs >= erlangs, row.grade >= oracle, "{erlangs} E: {row:?}");
            }
            let back = most_erlangs_waiting(agents, oracle);
            assert!((back - erlangs).abs() < 1e-7 * erlangs, "C({erlangs}, {agents}) back: {back}");
        }
    }

    #[test]
    fn staffing_meets_the_oracles() {
        // Calls an hour, handling time, agents: share answered in 20 seconds, mean wait where the oracle gives one.
        for (calls, handling, n, level, wait) in [
            (100.0, 180.0, 6, "47.43", "105.75"),
            (100.0, 180.0, 7, "74.04", "29.17"),
            (100.0, 180.0, 8, "88.01", "10.04"),
            // 68.9953 exactly; the reference page cuts it to 68.99.
            (200.0, 240.0, 16, "69.00", ""),
            (200.0, 240.0, 17, "81.04", "16.84"),
            (1000.0, 300.0, 90, "76.45", "16.53"),
        ] {
            let erlangs = calls * handling / 3600.0;
            assert_eq!(format!("{:.2}", 100.0 * service_level(erlangs, n, handling, 20.0)), level, "{n} agents");
            assert!(wait.is_empty() || format!("{:.2}", mean_wait_s(erlangs, n, handling)) == wait, "{n} agents");
        }
        assert_eq!(agents(100.0, 180.0, 20.0, 0.8), Some(8));
        assert_eq!(agents(200.0, 240.0, 20.0, 0.8), Some(17));
        assert_eq!(agents(1000.0, 300.0, 20.0, 0.7645), Some(90));
    }

    proptest! {
        #[test]
        fn blocking_falls_with_circuits_and_rises_with_traffic(erlangs in 0.01..2500.0, n in 0..2000_u32) {
            let share = blocking(erlangs, n);
            prop_assert!((0.0..=1.0).contains(&share));
            // Beyond the smallest numbers there is nothing left to fall.
            prop_assert!(blocking(erlangs, n + 1) < share || share < f64::MIN_POSITIVE);
            prop_assert!(blocking(erlangs * 1.001, n) > share || share < f64::MIN_POSITIVE || n == 0);
            prop_assert!(waiting(erlangs, n) >= share);
        }

        #[test]
        fn circuits_are_the_fewest_and_erlangs_the_most(erlangs in 0.001..1800.0, grade in 0.0005..0.5) {
            let n = circuits(erlangs, grade).expect("circuits enough");
            prop_assert!(blocking(erlangs, n) <= grade && blocking(erlangs, n - 1) > grade);
            prop_assert!(most_erlangs(n, grade) >= erlangs && most_erlangs(n - 1, grade) < erlangs);
        }

        #[test]
        fn agents_are_the_fewest(calls in 1.0..3000.0, handling in 5.0..900.0, within in 0.0..60.0, share in 0.3..0.99) {
            let n = agents(calls, handling, within, share).expect("agents enough");
            let level = |n| service_level(calls * handling / 3600.0, n, handling, within);
            prop_assert!(level(n) >= share && level(n - 1) < share);
        }
    }
}
