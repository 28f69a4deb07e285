//! The first step of an aggregation where groups are few: by day and way, by hour, by outcome. Each key column gives a
//! row's group so far a number of its own, found in a table that fits the cache. Where groups turn out to be many, or
//! keys long, the engine's own step takes the rest of the rows.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Date32Type, Int16Type, Int32Type, Int64Type, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::{GroupsAccumulatorAdapter, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, aggregate_expressions, evaluate_many};
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, stream};

/// Groups up to which a table is a few hundred kilobytes.
const FEW: usize = 1 << 15;
/// Rows that are looked at together.
const PIECE: usize = 1 << 14;

/// Puts this step in the place of the engine's, where it can count on keys of a few bytes.
#[derive(Debug)]
pub struct FewGroups;

impl PhysicalOptimizerRule for FewGroups {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            Ok(match plan.downcast_ref::<AggregateExec>().filter(|aggregate| is_ours(aggregate)) {
                Some(_) => Transformed::yes(Arc::new(Few::new(plan)) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "few_groups"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn is_ours(aggregate: &AggregateExec) -> bool {
    let schema = aggregate.schema();
    let keys = aggregate.group_expr();
    let is_short = |kind: &DataType| {
        matches!(kind, DataType::Utf8View | DataType::Date32 | DataType::Int16 | DataType::Int32 | DataType::Int64)
    };
    *aggregate.mode() == AggregateMode::Partial
        && keys.is_single()
        // One key alone the engine finds as fast.
        && keys.expr().len() > 1
        && schema.fields()[..keys.expr().len()].iter().all(|field| is_short(field.data_type()))
        && *aggregate.input_order_mode() == InputOrderMode::Linear
        && aggregate.limit_options().is_none()
        && aggregate.filter_expr().iter().all(Option::is_none)
}

#[derive(Debug)]
struct Few {
    /// The engine's own step.
    usual: Arc<dyn ExecutionPlan>,
    metrics: ExecutionPlanMetricsSet,
}

impl Few {
    fn new(usual: Arc<dyn ExecutionPlan>) -> Self {
        Self { usual, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for Few {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "FewGroupsExec: ")?;
        match self.usual.downcast_ref::<AggregateExec>() {
            Some(usual) => usual.fmt_as(kind, f),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for Few {
    fn name(&self) -> &str {
        "FewGroupsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.usual.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.usual.children()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.usual.apply_expressions(f)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(replace_children_if_necessary(self.usual.clone(), children)?)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(aggregate) = self.usual.downcast_ref::<AggregateExec>() else {
            return self.usual.execute(partition, context);
        };
        let step = Step {
            groups: Groups::new(aggregate)?,
            rows: aggregate.input().execute(partition, context.clone())?,
            usual: self.usual.clone(),
            context,
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let rows = stream::try_unfold(Progress::Few(Box::new(step)), Progress::next);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// How far a partition has come.
enum Progress {
    Few(Box<Step>),
    /// The engine's own step over what is left.
    Many(SendableRecordBatchStream),
    Done,
}

struct Step {
    groups: Groups,
    rows: SendableRecordBatchStream,
    usual: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    metrics: BaselineMetrics,
}

impl Progress {
    async fn next(self) -> Result<Option<(RecordBatch, Self)>> {
        match self {
            Self::Few(step) => step.run().await,
            Self::Many(mut rows) => Ok(rows.next().await.transpose()?.map(|batch| (batch, Self::Many(rows)))),
            Self::Done => Ok(None),
        }
    }
}

impl Step {
    async fn run(mut self: Box<Self>) -> Result<Option<(RecordBatch, Progress)>> {
        while let Some(batch) = self.rows.next().await.transpose()? {
            let _timer = self.metrics.elapsed_compute().timer();
            let taken = self.groups.take_few(&batch)?;
            if taken < batch.num_rows() {
                let unread = batch.slice(taken, batch.num_rows() - taken);
                let found = self.groups.finish()?;
                let rest = replace_children_if_necessary(self.usual, vec![rest(unread, self.rows)?])?;
                let rest = rest.execute(0, self.context)?;
                return Ok(Some((found, Progress::Many(rest))));
            }
        }
        let found = self.groups.finish()?;
        self.metrics.record_output(found.num_rows());
        Ok((found.num_rows() > 0).then_some((found, Progress::Done)))
    }
}

/// The rows that were not taken, as a plan of their own.
fn rest(unread: RecordBatch, rows: SendableRecordBatchStream) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = rows.schema();
    let rows = stream::iter([Ok(unread)]).chain(rows);
    let rows = Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows));
    let rest = Rest { schema: schema.clone(), rows: Mutex::new(Some(rows)) };
    Ok(Arc::new(StreamingTableExec::try_new(schema, vec![Arc::new(rest)], None, [], false, None)?))
}

/// A stream that can be asked for once.
struct Rest {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "the rest of the rows")
    }
}

impl PartitionStream for Rest {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        rows.unwrap_or_else(|| Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream::empty())))
    }
}

/// The groups found so far in one partition.
struct Groups {
    schema: SchemaRef,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    arguments: Vec<Vec<Arc<dyn PhysicalExpr>>>,
    states: Vec<Box<dyn GroupsAccumulator>>,
    /// One for each key column.
    levels: Vec<Level>,
    /// The keys of the groups in the order of their numbers, piece by piece.
    found: Vec<Vec<ArrayRef>>,
    count: usize,
    numbers: Vec<usize>,
}

impl Groups {
    fn new(aggregate: &AggregateExec) -> Result<Self> {
        let keys: Vec<_> = aggregate.group_expr().expr().iter().map(|(key, _)| key.clone()).collect();
        let states = aggregate.aggr_expr().iter().map(|function| -> Result<Box<dyn GroupsAccumulator>> {
            if function.groups_accumulator_supported() {
                return function.create_groups_accumulator();
            }
            let function = function.clone();
            Ok(Box::new(GroupsAccumulatorAdapter::new(move || function.create_accumulator())))
        });
        Ok(Self {
            schema: aggregate.schema(),
            arguments: aggregate_expressions(aggregate.aggr_expr(), aggregate.mode(), keys.len())?,
            states: states.collect::<Result<_>>()?,
            levels: keys.iter().map(|_| Level::new()).collect(),
            found: vec![Vec::new(); keys.len()],
            keys,
            count: 0,
            numbers: Vec::new(),
        })
    }

    fn keys(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.keys.iter().map(|key| key.evaluate(batch)?.into_array(batch.num_rows())).collect()
    }

    /// Takes rows while groups are few and keys short, and tells how many. By pieces: a join gives all it has at once.
    fn take_few(&mut self, batch: &RecordBatch) -> Result<usize> {
        let mut taken = 0;
        while taken < batch.num_rows() && self.count <= FEW {
            let piece = batch.slice(taken, PIECE.min(batch.num_rows() - taken));
            let keys = self.keys(&piece)?;
            if !keys.iter().all(is_short) {
                break;
            }
            self.add(&piece, &keys)?;
            taken += piece.num_rows();
        }
        Ok(taken)
    }

    fn add(&mut self, batch: &RecordBatch, keys: &[ArrayRef]) -> Result<()> {
        self.numbers.clear();
        self.numbers.resize(batch.num_rows(), 0);
        for (level, key) in self.levels.iter_mut().zip(keys) {
            level.number(key, &mut self.numbers);
        }
        if let Some(last) = self.levels.last_mut()
            && !last.fresh.is_empty()
        {
            self.count += last.fresh.len();
            let fresh = UInt32Array::from(std::mem::take(&mut last.fresh));
            for (found, key) in self.found.iter_mut().zip(keys) {
                found.push(take(key, &fresh, None)?);
            }
        }
        let arguments = evaluate_many(&self.arguments, batch)?;
        for (state, arguments) in self.states.iter_mut().zip(&arguments) {
            state.update_batch(arguments, &self.numbers, None, self.count)?;
        }
        Ok(())
    }

    /// The keys of all groups, and what their rows came to.
    fn finish(&mut self) -> Result<RecordBatch> {
        if self.count == 0 {
            return Ok(RecordBatch::new_empty(self.schema.clone()));
        }
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for pieces in &self.found {
            let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
            columns.push(concat(&pieces)?);
        }
        for state in &mut self.states {
            columns.extend(state.state(EmitTo::All)?);
        }
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}

/// Whether every value lies whole in its place.
fn is_short(key: &ArrayRef) -> bool {
    key.as_string_view_opt().is_none_or(|texts| texts.data_buffers().is_empty() || texts.total_buffer_bytes_used() == 0)
}

/// The different values of a key column under each group of the columns before it.
struct Level {
    /// A power of two of places; a value is in the first free one from where its hash points.
    slots: Vec<Slot>,
    count: usize,
    /// Rows of the last batch that showed a value first.
    fresh: Vec<u32>,
    /// Numbers under each group, of the one value of a batch.
    known: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Value {
    low: u64,
    high: u64,
}

#[derive(Clone, Copy)]
struct Slot {
    value: Value,
    /// Group of the columns before this.
    above: u32,
    number: u32,
}

/// No group has its number.
const FREE: Slot = Slot { value: NULL, above: u32::MAX, number: 0 };
/// A figure has nothing on high, and no text in a view is as long.
const NULL: Value = Value { low: u64::MAX, high: u64::MAX };
const UNKNOWN: usize = usize::MAX;

impl Level {
    fn new() -> Self {
        Self { slots: vec![FREE; 256], count: 0, fresh: Vec::new(), known: Vec::new() }
    }

    /// Puts each row's group in the place of the group of the columns before this.
    fn number(&mut self, key: &ArrayRef, numbers: &mut [usize]) {
        self.fresh.clear();
        match key.data_type() {
            DataType::Date32 => self.figures::<Date32Type>(key, numbers),
            DataType::Int16 => self.figures::<Int16Type>(key, numbers),
            DataType::Int32 => self.figures::<Int32Type>(key, numbers),
            DataType::Int64 => self.figures::<Int64Type>(key, numbers),
            _ => {
                let views = key.as_string_view().views().iter();
                let values = views.map(|view| Value { low: *view as u64, high: (*view >> 64) as u64 });
                self.values(key, values, numbers);
            }
        }
    }

    fn figures<T: ArrowPrimitiveType<Native: Into<i64>>>(&mut self, key: &ArrayRef, numbers: &mut [usize]) {
        let figures = key.as_primitive::<T>().values().iter();
        self.values(key, figures.map(|figure| Value { low: (*figure).into() as u64, high: 0 }), numbers);
    }

    fn values(&mut self, key: &ArrayRef, values: impl Iterator<Item = Value> + Clone, numbers: &mut [usize]) {
        match key.nulls() {
            None => self.find(values, numbers),
            Some(nulls) => {
                let values = nulls.iter().zip(values).map(|(there, value)| if there { value } else { NULL });
                self.find(values, numbers);
            }
        }
    }

    fn find(&mut self, values: impl Iterator<Item = Value> + Clone, numbers: &mut [usize]) {
        let Some(first) = values.clone().next() else { return };
        // Days, and columns that a site does not fill, are of one value for many rows.
        if values.clone().all(|value| value == first) {
            return self.find_one(first, numbers);
        }
        for (row, (value, number)) in values.zip(numbers).enumerate() {
            *number = self.find_in(row, value, *number);
        }
    }

    fn find_one(&mut self, value: Value, numbers: &mut [usize]) {
        self.known.clear();
        for (row, number) in numbers.iter_mut().enumerate() {
            if *number >= self.known.len() {
                self.known.resize(*number + 1, UNKNOWN);
            }
            if self.known[*number] == UNKNOWN {
                self.known[*number] = self.find_in(row, value, *number);
            }
            *number = self.known[*number];
        }
    }

    #[inline(always)]
    fn find_in(&mut self, row: usize, value: Value, above: usize) -> usize {
        let above = above as u32;
        let mut at = hash(value, above);
        loop {
            let slot = &self.slots[at & (self.slots.len() - 1)];
            if slot.value == value && slot.above == above {
                return slot.number as usize;
            }
            if slot.above == FREE.above {
                return self.add(row, value, above);
            }
            at = at.wrapping_add(1);
        }
    }

    #[cold]
    fn add(&mut self, row: usize, value: Value, above: u32) -> usize {
        // Where most places are free, the first look is mostly the last.
        if self.slots.len() <= self.count * 4 {
            let free = vec![FREE; self.slots.len() * 4];
            let before = std::mem::replace(&mut self.slots, free);
            before.into_iter().filter(|slot| slot.above != FREE.above).for_each(|slot| self.put(slot));
        }
        let number = self.count;
        self.put(Slot { value, above, number: number as u32 });
        self.count += 1;
        self.fresh.push(row as u32);
        number
    }

    fn put(&mut self, slot: Slot) {
        let mut at = hash(slot.value, slot.above);
        loop {
            let place = at & (self.slots.len() - 1);
            if self.slots[place].above == FREE.above {
                self.slots[place] = slot;
                return;
            }
            at = at.wrapping_add(1);
        }
    }
}

/// Two factors without a pattern, multiplied to twice the bits and folded.
#[inline(always)]
fn hash(value: Value, above: u32) -> usize {
    let low = value.low ^ 0x9E37_79B9_7F4A_7C15;
    let high = value.high ^ (u64::from(above) << 32) ^ u64::from(above) ^ 0xD1B5_4A32_D192_ED03;
    let product = u128::from(low) * u128::from(high);
    ((product >> 64) as u64 ^ product as u64) as usize
}

#[cfg(test)]
mod tests;
