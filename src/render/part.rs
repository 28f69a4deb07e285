//! The parts of a report, in the order of a business case's paper; what stands in each is the caller's affair.

/// Where in the paper a section belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    #[default]
    Found,
    Meaning,
    Options,
    Money,
    Risks,
    Unseen,
}

impl Part {
    /// In their order.
    pub const ALL: [Self; 6] = [Self::Found, Self::Meaning, Self::Options, Self::Money, Self::Risks, Self::Unseen];

    pub fn title(self) -> &'static str {
        match self {
            Self::Found => "What was found",
            Self::Meaning => "What it means",
            Self::Options => "Options",
            Self::Money => "Money by year",
            Self::Risks => "Risks",
            Self::Unseen => "What could not be seen",
        }
    }

    /// Its name in an address: `what-was-found`.
    pub fn anchor(self) -> String {
        self.title().to_ascii_lowercase().replace(' ', "-")
    }

    /// What a reader finds there, in a sentence.
    pub fn lead(self) -> &'static str {
        match self {
            Self::Found => {
                "What the call records say of the estate: which phones are used, how much, and which are not."
            }
            Self::Meaning => {
                "What follows for each extension: its verdict from the evidence, its action from the policy."
            }
            Self::Options => "What could be done about it, and what each way costs.",
            Self::Money => "What each option costs and saves in each financial year.",
            Self::Risks => "How sure the figures are, and what would have to be wrong before the choice changes.",
            Self::Unseen => {
                "Days, calls and lines that the records do not show, to be settled before a phone is taken away."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_in_the_order_of_the_paper_and_each_has_an_address() {
        assert!(Part::ALL.is_sorted());
        assert_eq!(
            Part::ALL.map(Part::title),
            ["What was found", "What it means", "Options", "Money by year", "Risks", "What could not be seen"]
        );
        assert_eq!(Part::Unseen.anchor(), "what-could-not-be-seen");
        assert!(Part::ALL.iter().all(|part| part.lead().ends_with('.')));
    }
}
