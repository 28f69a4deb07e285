//! The cost lines and benefits of options: which way each amount is worked out, and what belongs to it.

use toml::Spanned;

use super::super::keys::{LineToml, OptionToml};
use super::super::{Amount, Benefit, BenefitClass, CaseFile, CaseOption, Kind, Line, Part, Per};
use super::Page;

impl Page<'_> {
    pub(super) fn options(&mut self, case: &mut CaseFile, raw: Vec<OptionToml>) {
        for raw in raw {
            let ids: Vec<String> = case.options.iter().map(|option| option.id.clone()).collect();
            self.is_new("option", &raw.id, &ids);
            let drivers = drivers(case);
            let per_unit = raw.per_unit.as_ref().and_then(|id| self.find("driver", id, &drivers));
            let mut option = CaseOption {
                id: raw.id.into_inner(),
                title: raw.title,
                note: raw.note,
                per_unit,
                lines: Vec::new(),
                benefits: Vec::new(),
            };
            for line in raw.line {
                if option.lines.iter().any(|other| other.title == *line.title.get_ref()) {
                    let what = format!("a second line of {} is called \"{}\"", option.id, line.title.get_ref());
                    self.note(&line.title, what, "give each a title of its own".into());
                }
                let stray =
                    line.class.is_some() || line.owner.is_some() || line.measure.is_some() || line.avoids.is_some();
                if stray {
                    let hint = "a benefit is [[option.benefit]]; a cost has none of class, owner, measure, avoids";
                    self.line_wrong::<()>(&line, "has the keys of a benefit", hint);
                    continue;
                }
                let found = self.line(case, &line);
                option.lines.extend(found);
            }
            for benefit in raw.benefit {
                let found = self.benefit(case, benefit);
                option.benefits.extend(found);
            }
            case.options.push(option);
        }
    }

    fn line_wrong<T>(&mut self, raw: &LineToml, what: &str, hint: &str) -> Option<T> {
        self.wrong(&raw.title, format!("line \"{}\" {what}", raw.title.get_ref()), hint.into())
    }

    fn benefit(&mut self, case: &CaseFile, raw: LineToml) -> Option<Benefit> {
        let Some(class) = raw.class else {
            let hint = "one of cash_releasing, non_cash_releasing, quantified, qualitative";
            return self.line_wrong(&raw, "is a benefit of no class", hint);
        };
        let has_amount =
            raw.by_year.is_some() || raw.each_year.is_some() || raw.unit_cost.is_some() || raw.pence.is_some();
        let line = match (class, has_amount) {
            (BenefitClass::Qualitative, false) => None,
            (BenefitClass::Qualitative, true) => {
                return self.line_wrong(
                    &raw,
                    "is qualitative and has an amount",
                    "choose another class, or take it out",
                );
            }
            _ => Some(self.line(case, &raw)?),
        };
        // Options may be named that stand below: found once all are read.
        let place = self.place(raw.title.span());
        let avoids = raw.avoids.as_ref().map(|avoided| {
            self.pending.push((avoided.clone(), case.options.len(), place.clone()));
            (usize::MAX, 0)
        });
        let title = raw.title.into_inner();
        Some(Benefit { class, owner: raw.owner, measure: raw.measure, line, title, avoids, place })
    }

    /// Finds the lines that benefits say they avoid.
    pub(super) fn avoided(&mut self, case: &mut CaseFile) {
        for (avoided, option, place) in std::mem::take(&mut self.pending) {
            let found = avoided.get_ref().split_once(": ").and_then(|(id, title)| {
                let at = case.options.iter().position(|option| option.id == id)?;
                Some((at, case.options[at].lines.iter().position(|line| line.title == title)?))
            });
            if found.is_none() {
                let what = format!("no line is called `{}`", avoided.get_ref());
                self.note(&avoided, what, "write the option's id, a colon and the line's title".into());
            }
            let benefits = case.options.get_mut(option).map(|option| option.benefits.iter_mut());
            if let Some(benefit) = benefits.into_iter().flatten().find(|benefit| benefit.place == place) {
                benefit.avoids = found;
            }
        }
    }

    fn line(&mut self, case: &CaseFile, raw: &LineToml) -> Option<Line> {
        let Some(kind) = raw.kind else {
            return self.line_wrong(raw, "is neither capital nor revenue", "add `kind`");
        };
        let known = drivers(case);
        let ramps: Vec<String> = case.ramps.iter().map(|ramp| ramp.id.clone()).collect();
        let ramp = match (&raw.ramp, raw.ramp_as) {
            (Some(id), part) => Some((self.find("ramp", id, &ramps)?, part.unwrap_or(Part::Migrated))),
            (None, None) => None,
            (None, Some(_)) => {
                return self.line_wrong(raw, "has `ramp_as` without `ramp`", "name the ramp, or drop it");
            }
        };
        let driver = match &raw.driver {
            Some(id) => Some(self.find("driver", id, &known)?),
            None => None,
        };
        let pack = match &raw.pack {
            Some(id) => Some(self.number(case, id)?),
            None => None,
        };
        let is_contract = raw.contract_until.is_some() || raw.break_cost.is_some();
        let amount = match (&raw.by_year, &raw.each_year, &raw.unit_cost, &raw.pence) {
            (Some(years), None, None, None) if driver.is_none() && ramp.is_none() && raw.per.is_none() => {
                let mut amounts = std::collections::BTreeMap::new();
                for (year, id) in years {
                    amounts.insert(self.inside(case, year)?, self.money(case, id)?);
                }
                Amount::ByYear(amounts)
            }
            (None, Some(id), None, None) if raw.per.is_none() => match (driver, ramp) {
                (None, None) if !is_contract => Amount::EachYear(self.money(case, id)?),
                (Some(driver), Some((ramp, Part::Remaining))) => {
                    let contract_until = match &raw.contract_until {
                        Some(month) => Some(self.month(case, month)?),
                        None => None,
                    };
                    let break_cost = match &raw.break_cost {
                        Some(_) if contract_until.is_none() => {
                            return self.line_wrong(raw, "breaks no contract", "add `contract_until`");
                        }
                        Some(id) => Some(self.money(case, id)?),
                        None => None,
                    };
                    Amount::WhileInUse { charge: self.money(case, id)?, driver, ramp, contract_until, break_cost }
                }
                _ => {
                    let hint = "`each_year` stands alone, or runs until a platform is empty: then give `driver`, `ramp` and \
                        `ramp_as = \"remaining\"`";
                    return self.line_wrong(raw, "says not until when it runs", hint);
                }
            },
            (None, None, Some(id), None) => {
                let Some((driver, per)) = driver.zip(raw.per) else {
                    return self.line_wrong(
                        raw,
                        "is a price of nothing",
                        "give `driver` and `per` (\"year\" or \"once\")",
                    );
                };
                Amount::Unit { cost: self.money(case, id)?, driver, per, ramp, pack }
            }
            (None, None, None, Some(id)) if raw.per.is_none() => {
                let counted = self.find("driver", id, &known)?;
                let ramp = match (ramp, driver) {
                    (Some((ramp, part)), Some(of)) => Some((ramp, part, of)),
                    (None, None) => None,
                    _ => {
                        return self.line_wrong(
                            raw,
                            "moves with nothing",
                            "give `ramp` and `driver` together, or neither",
                        );
                    }
                };
                Amount::Pence { driver: counted, ramp }
            }
            _ => {
                let hint = "give `by_year`, or `each_year`, or `unit_cost` with `driver` and `per`, or `pence`";
                return self.line_wrong(raw, "says not one way to work it out", hint);
            }
        };
        if pack.is_some() && !matches!(amount, Amount::Unit { per: Per::Year, .. }) {
            return self.line_wrong(
                raw,
                "comes in packs of nothing",
                "`pack` goes with `unit_cost` and `per = \"year\"`",
            );
        }
        if is_contract && !matches!(amount, Amount::WhileInUse { .. }) {
            let hint =
                "`contract_until` and `break_cost` go with `each_year`, `driver`, `ramp` and `ramp_as = \"remaining\"`";
            return self.line_wrong(raw, "is no contract", hint);
        }
        let once = matches!(amount, Amount::Unit { per: Per::Once, .. });
        let one_off = match (&amount, raw.one_off) {
            (Amount::ByYear(_), said) => said.unwrap_or(kind == Kind::Capital),
            (_, None) => once,
            (_, Some(_)) => {
                return self.line_wrong(raw, "needs no `one_off`", "only `by_year` leaves it open: drop the key");
            }
        };
        let months = self.months(case, raw, &amount)?;
        let bias = match &raw.bias {
            Some(id) => {
                let ids: Vec<String> = case.biases.iter().map(|bias| bias.id.clone()).collect();
                Some(self.find("bias", id, &ids)?)
            }
            None => None,
        };
        let vat_recoverable = match &raw.vat_recoverable {
            Some(id) if case.vat_rate.is_none() => {
                return self.wrong(id, "VAT of no rate".into(), "add `vat_rate` at the top of the case".into());
            }
            Some(id) => Some(self.part(case, id)?),
            None => None,
        };
        let place = self.place(raw.title.span());
        Some(Line { title: raw.title.get_ref().clone(), kind, one_off, amount, months, bias, vat_recoverable, place })
    }

    /// First and last month, both in it.
    fn months(&mut self, case: &CaseFile, raw: &LineToml, amount: &Amount) -> Option<(i32, i32)> {
        let last = i32::from(case.horizon_years) * 12 - 1;
        let mut read = |month: &Option<Spanned<_>>| match month {
            Some(month) => self.month(case, month).map(Some),
            None => Some(None),
        };
        let (from, until) = (read(&raw.from)?, read(&raw.until)?);
        let hint = match amount {
            Amount::ByYear(_) if from.or(until).is_some() => "`by_year` already says when: drop them",
            Amount::Unit { per: Per::Once, ramp: Some((_, Part::Migrated)), .. } if from.or(until).is_some() => {
                "the ramp already says when: drop them"
            }
            Amount::Unit { per: Per::Once, ramp: None | Some((_, Part::Remaining)), .. }
                if from.is_none() || until.is_some() =>
            {
                "a cost that falls once needs a `ramp`, or `from` alone for the month it falls in"
            }
            _ => "",
        };
        if !hint.is_empty() {
            return self.line_wrong(raw, "has `from` or `until` where they do not belong, or lacks them", hint);
        }
        let from = from.unwrap_or(0);
        let until = until.unwrap_or(last);
        if until < from {
            return self.line_wrong(raw, "ends before it begins", "swap `from` and `until`");
        }
        Some((from, until))
    }
}

fn drivers(case: &CaseFile) -> Vec<String> {
    case.drivers.iter().map(|driver| driver.id.clone()).collect()
}
