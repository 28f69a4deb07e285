//! What a Treasury reviewer would say of a case: findings with file and line, as errors or warnings. Judges what the file
//! and the figures say; whatever does not hold together at all is refused before (`file`).
//! The rules are those of the Green Book and of common review findings (peers: reviewers' published gaps).

use serde::Serialize;

use rust_decimal::Decimal;

use super::{BenefitClass, Case, CaseFile, Kind, Line, Vat};

/// One thing a reviewer would write down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// A word for programs.
    pub kind: &'static str,
    /// File, line and key.
    pub place: String,
    pub text: String,
    pub hint: &'static str,
}

/// An error makes figures that must not be quoted; a warning is for whoever quotes them to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Error,
    Warning,
}

impl Case {
    /// All findings, errors first.
    pub fn review(&self) -> Vec<Finding> {
        let mut found = Findings(Vec::new());
        found.prices(&self.file);
        found.baseline(self);
        found.benefits(&self.file);
        found.biases(&self.file);
        found.sources(&self.file);
        found.counted_none(self);
        found.0.sort_by_key(|finding| finding.severity);
        found.0
    }
}

struct Findings(Vec<Finding>);

impl Findings {
    fn say(&mut self, severity: Severity, kind: &'static str, place: &str, text: String, hint: &'static str) {
        self.0.push(Finding { severity, kind, place: place.into(), text, hint });
    }

    /// Price bases that cannot be brought together, and VAT where it must not be.
    fn prices(&mut self, file: &CaseFile) {
        let mut told = Vec::new();
        for line in lines(file) {
            for at in Case::prices(&line.amount) {
                let input = &file.book[at];
                if told.contains(&at) {
                    continue;
                }
                told.push(at);
                if input.vat == Vat::Included {
                    let text = format!("`{}` includes VAT and is in the economic case", input.id);
                    let hint =
                        "give the price without VAT; say on the line how much VAT comes back (`vat_recoverable`)";
                    self.say(Severity::Error, "vat_in_economic_case", &input.place, text, hint);
                }
                match input.price_base {
                    None => {
                        let text = format!("`{}` does not say in which year's prices it is", input.id);
                        self.say(Severity::Warning, "no_price_base", &input.place, text, "fill its price_base");
                    }
                    Some(base) if base != file.price_base && !(knows(file, base) && knows(file, file.price_base)) => {
                        let text = format!(
                            "mixed price bases: `{}` is in prices of {base}, the case in those of {}",
                            input.id, file.price_base
                        );
                        let hint = "add both years to the deflator series (`deflators`), or restate the price";
                        self.say(Severity::Error, "mixed_price_bases", &input.place, text, hint);
                    }
                    Some(_) => {}
                }
            }
        }
        let missing: Vec<String> =
            file.years().filter(|year| !file.deflators.contains_key(year)).map(|year| year.to_string()).collect();
        if file.deflators.is_empty() {
            let text =
                "no deflators: the financial case is in constant prices, not in the money of each year".to_string();
            self.say(Severity::Warning, "no_deflators", &file.place, text, "add `deflators = \"deflators.csv\"`");
        } else if !missing.is_empty() {
            let text =
                format!("no deflator for {}: the financial case is in constant prices there", missing.join(", "));
            self.say(
                Severity::Error,
                "deflator_missing",
                &file.place,
                text,
                "extend the series over the whole horizon",
            );
        }
    }

    fn baseline(&mut self, case: &Case) {
        let file = &case.file;
        let option = &file.options[file.baseline];
        let costs = &case.appraised[file.baseline];
        let place = option.lines.first().map_or(file.place.as_str(), |line| line.place.as_str());
        let is_above = |id| case.value(id).is_some_and(|value| value > Decimal::ZERO);
        if option.lines.is_empty() {
            let text = format!("the baseline {} costs nothing: staying as it is has a price", option.id);
            self.say(Severity::Error, "baseline_costs_nothing", place, text, "add what staying costs");
        } else if !is_above(costs.one_off) {
            let text = format!(
                "the baseline {} has no one-off cost: an upgrade or replacement that staying would need is not counted",
                option.id
            );
            self.say(
                Severity::Warning,
                "baseline_no_one_off",
                place,
                text,
                "add it, or say in the note why there is none",
            );
        }
        for line in lines(file).filter(|line| line.kind == Kind::Capital && !line.one_off) {
            let text = format!(
                "\"{}\": capital that comes again is in the present value, not in the simple payback",
                line.title
            );
            self.say(Severity::Warning, "recurring_capital", &line.place, text, "quote the discounted figures with it");
        }
        if file.options.len() < 3 {
            let text =
                "fewer than three options: a short list holds business as usual, the minimum, and the way forward";
            self.say(Severity::Warning, "short_list_too_short", &file.place, text.into(), "add the options left out");
        }
    }

    fn benefits(&mut self, file: &CaseFile) {
        for benefit in file.options.iter().flat_map(|option| &option.benefits) {
            if benefit.owner.is_none() {
                let text = format!("benefit \"{}\" has no owner", benefit.title);
                self.say(Severity::Error, "benefit_without_owner", &benefit.place, text, "name who answers for it");
            }
            if benefit.measure.is_none() {
                let text = format!("benefit \"{}\" says not how it is measured", benefit.title);
                self.say(Severity::Warning, "benefit_without_measure", &benefit.place, text, "add `measure`");
            }
            let Some((line, (option, at))) = benefit.line.as_ref().zip(benefit.avoids) else { continue };
            let Some(avoided) = file.options.get(option).and_then(|option| option.lines.get(at)) else { continue };
            if avoided.kind != line.kind && benefit.class == BenefitClass::CashReleasing {
                let words = |kind: Kind| if kind == Kind::Capital { "capital" } else { "revenue" };
                let text = format!(
                    "benefit \"{}\": a {} saving claimed as {} (it avoids \"{}\")",
                    benefit.title,
                    words(avoided.kind),
                    words(line.kind),
                    avoided.title
                );
                self.say(
                    Severity::Error,
                    "capital_claimed_as_revenue",
                    &benefit.place,
                    text,
                    "give it the kind of what it avoids",
                );
            }
            if option == file.baseline {
                let text = format!(
                    "benefit \"{}\" avoids \"{}\", which the saving against the baseline holds already: counted twice",
                    benefit.title, avoided.title
                );
                self.say(Severity::Error, "counted_twice", &benefit.place, text, "take the benefit out, or the line");
            }
        }
    }

    fn biases(&mut self, file: &CaseFile) {
        for bias in &file.biases {
            if bias.mitigation.is_some() && (bias.reason.is_none() || bias.author.is_none()) {
                let text = format!("optimism bias {} is mitigated without a reason or an author", bias.id);
                self.say(Severity::Error, "bias_without_method", &bias.place, text, "add `reason` and `author`");
            }
        }
        let capital = lines(file).filter(|line| line.kind == Kind::Capital && line.bias.is_none());
        let capital: Vec<&Line> = capital.collect();
        if let Some(first) = capital.first() {
            let text =
                format!("{} capital lines have no optimism bias, the first of them \"{}\"", capital.len(), first.title);
            let hint = "name a [[bias]], or say in the note of the option why there is none";
            self.say(Severity::Warning, "no_optimism_bias", &first.place, text, hint);
        }
    }

    fn sources(&mut self, file: &CaseFile) {
        for input in &file.book {
            if input.source.as_deref().is_none_or(str::is_empty) {
                let text = format!("`{}` ({}): nothing says where this figure comes from", input.id, input.title);
                self.say(Severity::Warning, "unsourced", &input.place, text, "fill its source");
            }
        }
        if file.price_note.is_none() {
            let text = "nothing says in words what the prices are".to_string();
            self.say(Severity::Warning, "no_price_note", &file.place, text, "add `price_note`");
        }
    }

    fn counted_none(&mut self, case: &Case) {
        for (driver, id) in case.file.drivers.iter().zip(&case.drivers) {
            if matches!(driver.count, super::Count::Asked(_)) && case.value(*id) == Some(Decimal::ZERO) {
                let text = format!("driver {}: its query counts none", driver.id);
                self.say(Severity::Warning, "counted_none", &driver.place, text, "look at its `where`");
            }
        }
    }
}

fn lines(file: &CaseFile) -> impl Iterator<Item = &Line> {
    file.options
        .iter()
        .flat_map(|option| option.lines.iter().chain(option.benefits.iter().filter_map(|b| b.line.as_ref())))
}

fn knows(file: &CaseFile, year: crate::units::FinancialYear) -> bool {
    file.deflators.contains_key(&year)
}
