//! Which columns of a plan can hold a number of somebody outside: followed from the tables up, through every step. What is
//! not known is taken to hold one. Masks nothing.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable, JoinType, LogicalPlan};

/// What a column can hold, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    Nothing,
    /// A name, such as that of a handset, with perhaps a number in it.
    Word,
    Number,
    /// What is not to be seen at all.
    Whole,
}

#[derive(Default)]
pub struct Trace {
    /// By table, then by column.
    tables: HashMap<String, HashMap<String, Holds>>,
    /// Of a step of a plan that is there for as long as this is: views that several others stand on are walked once.
    walked: HashMap<usize, (Arc<LogicalPlan>, Vec<Holds>)>,
}

impl Trace {
    /// `sources` are columns by table; all others of these tables hold nothing.
    pub fn new(sources: impl Iterator<Item = (&'static str, &'static str, Holds)>) -> Self {
        let mut trace = Self::default();
        for table in crate::lake::TABLES {
            trace.table(table.name(), []);
        }
        for name in ["policy", "sources", "protection_words", "billing", "bank_holidays", "settings", "calendar"] {
            trace.table(name, []);
        }
        for name in ["erlang_b", "erlang_c"] {
            trace.table(name, []);
        }
        for (table, column, holds) in sources {
            trace.tables.entry(table.to_string()).or_default().insert(column.to_string(), holds);
        }
        trace
    }

    /// What the columns of a table hold; those not named hold nothing.
    pub fn table(&mut self, name: &str, columns: impl IntoIterator<Item = (String, Holds)>) {
        self.tables.insert(name.to_string(), columns.into_iter().collect());
    }

    /// Of each column of a plan.
    ///
    /// # Errors
    /// An expression whose type cannot be told.
    pub fn plan(&mut self, plan: &Arc<LogicalPlan>) -> Result<Vec<Holds>> {
        let key = Arc::as_ptr(plan) as usize;
        if let Some((_, holds)) = self.walked.get(&key) {
            return Ok(holds.clone());
        }
        let holds = self.step(plan)?;
        debug_assert_eq!(holds.len(), plan.schema().fields().len());
        self.walked.insert(key, (plan.clone(), holds.clone()));
        Ok(holds)
    }

    fn step(&mut self, plan: &Arc<LogicalPlan>) -> Result<Vec<Holds>> {
        let width = plan.schema().fields().len();
        Ok(match plan.as_ref() {
            LogicalPlan::TableScan(scan) => match scan.source.get_logical_plan() {
                Some(view) => {
                    let holds = self.plan(&Arc::new(view.into_owned()))?;
                    match &scan.projection {
                        Some(columns) => columns.iter().map(|i| holds[*i]).collect(),
                        None => holds,
                    }
                }
                None => match self.tables.get(scan.table_name.table()) {
                    Some(columns) => {
                        let fields = plan.schema().fields().iter();
                        fields.map(|f| columns.get(f.name()).copied().unwrap_or(Holds::Nothing)).collect()
                    }
                    None => unknown(plan.schema()),
                },
            },
            LogicalPlan::Projection(step) => self.expressions(&step.expr, &step.input, width)?,
            LogicalPlan::Aggregate(step) => {
                let expressions: Vec<Expr> = step.group_expr.iter().chain(&step.aggr_expr).cloned().collect();
                match expressions.len() == width {
                    true => self.expressions(&expressions, &step.input, width)?,
                    false => unknown(plan.schema()),
                }
            }
            LogicalPlan::Window(step) => {
                let mut holds = self.plan(&step.input)?;
                holds.extend(self.expressions(&step.window_expr, &step.input, step.window_expr.len())?);
                holds
            }
            LogicalPlan::Filter(step) => self.plan(&step.input)?,
            LogicalPlan::Sort(step) => self.plan(&step.input)?,
            LogicalPlan::Limit(step) => self.plan(&step.input)?,
            LogicalPlan::Repartition(step) => self.plan(&step.input)?,
            LogicalPlan::SubqueryAlias(step) => self.plan(&step.input)?,
            LogicalPlan::Subquery(step) => self.plan(&step.subquery)?,
            LogicalPlan::Distinct(Distinct::All(input)) => self.plan(input)?,
            LogicalPlan::Distinct(Distinct::On(step)) => self.expressions(&step.select_expr, &step.input, width)?,
            LogicalPlan::Join(step) => {
                let (mut left, right) = (self.plan(&step.left)?, self.plan(&step.right)?);
                match step.join_type {
                    JoinType::LeftSemi | JoinType::LeftAnti => left,
                    JoinType::RightSemi | JoinType::RightAnti => right,
                    JoinType::LeftMark => {
                        left.push(Holds::Nothing);
                        left
                    }
                    JoinType::RightMark => right.into_iter().chain([Holds::Nothing]).collect(),
                    _ => {
                        left.extend(right);
                        left
                    }
                }
            }
            LogicalPlan::Union(step) => {
                let mut holds = vec![Holds::Nothing; width];
                for input in &step.inputs {
                    holds.iter_mut().zip(self.plan(input)?).for_each(|(a, b)| *a = (*a).max(b));
                }
                holds
            }
            LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => vec![Holds::Nothing; width],
            _ => unknown(plan.schema()),
        })
    }

    fn expressions(&mut self, expressions: &[Expr], input: &Arc<LogicalPlan>, width: usize) -> Result<Vec<Holds>> {
        let below = self.plan(input)?;
        if expressions.len() != width {
            return Ok(vec![Holds::Number; width]);
        }
        expressions.iter().map(|e| self.expression(e, input.schema(), &below)).collect()
    }

    fn expression(&mut self, expression: &Expr, schema: &DFSchema, below: &[Holds]) -> Result<Holds> {
        let (mut most, mut is_number_of_text) = (Holds::Nothing, false);
        let mut inner = Vec::new();
        expression.apply(|e| {
            match e {
                Expr::Column(column) => {
                    let at = schema.index_of_column(column).ok();
                    let holds = at.map_or(Holds::Number, |at| below[at]);
                    most = most.max(holds);
                    // Of a column of figures only what was made of digits before is kept in mind.
                    is_number_of_text |=
                        holds > Holds::Nothing && !e.get_type(schema).is_ok_and(|kind| can_hold_text(&kind));
                }
                Expr::ScalarSubquery(query) => inner.push(query.subquery.clone()),
                Expr::OuterReferenceColumn(..) => most = most.max(Holds::Number),
                Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. }) => {
                    is_number_of_text |= expr.get_type(schema).map_or(true, |kind| can_hold_text(&kind));
                }
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        for query in inner {
            most = self.plan(&query)?.into_iter().fold(most, Holds::max);
        }
        // A count, a length or a yes says no number; digits made a number do.
        let kind = expression.get_type(schema);
        let says_none = kind.is_ok_and(|kind| match is_number_of_text {
            true => matches!(kind, DataType::Boolean | DataType::Date32),
            false => !can_hold_text(&kind),
        });
        Ok(if says_none { Holds::Nothing } else { most })
    }
}

fn can_hold_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => true,
        kind => kind.is_nested() || matches!(kind, DataType::Dictionary(..)),
    }
}

fn unknown(schema: &DFSchema) -> Vec<Holds> {
    schema.fields().iter().map(|f| if can_hold_text(f.data_type()) { Holds::Number } else { Holds::Nothing }).collect()
}
