//! Stubs of IEventService in ms-ndr's primitives, where ms-even6 has none.

use ms_ndr::{NdrDecoder, NdrEncoder};

pub type Handle = [u8; 20];
pub type Outcome<T> = Result<T, String>;

/// A request, field by field.
#[derive(Default)]
pub struct Request(NdrEncoder);

impl Request {
    pub fn new() -> Self {
        Request(NdrEncoder::new())
    }
    pub fn handle(mut self, handle: &Handle) -> Self {
        self.0.align(4);
        self.0.bytes(handle);
        self
    }
    pub fn number(mut self, value: u32) -> Self {
        self.0.u32(value);
        self
    }
    pub fn position(mut self, value: i64) -> Self {
        self.0.u64(value as u64);
        self
    }
    pub fn text(mut self, text: &str) -> Self {
        self.0.align(4);
        self.0.conformant_varying_wstr(text);
        self
    }
    pub fn optional(mut self, text: Option<&str>) -> Self {
        match text {
            None => self.0.null_ptr(),
            Some(text) => {
                self.0.referent();
                self.0.conformant_varying_wstr(text);
            }
        }
        self
    }
    pub fn bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// A response, read from its start; its status is the last thing in it.
pub struct Response<'a> {
    from: NdrDecoder<'a>,
}

impl<'a> Response<'a> {
    pub fn new(stub: &'a [u8]) -> Self {
        Response { from: NdrDecoder::new(stub) }
    }
    pub fn number(&mut self) -> Outcome<u32> {
        self.from.u32().map_err(|error| error.to_string())
    }
    pub fn handle(&mut self) -> Outcome<Handle> {
        self.from.align(4);
        let bytes = self.from.read_bytes(20).map_err(|error| error.to_string())?;
        Ok(bytes.try_into().unwrap())
    }
    fn text(&mut self) -> Outcome<String> {
        self.from.align(4);
        self.from.conformant_varying_wstr().map_err(|error| error.to_string())
    }
    /// RpcInfo, whose error is what counts.
    pub fn info(&mut self) -> Outcome<u32> {
        let error = self.number()?;
        self.number()?;
        self.number()?;
        Ok(error)
    }
    /// The status; nothing may be left behind it.
    pub fn status(mut self) -> Outcome<u32> {
        let status = self.number()?;
        match self.from.remaining() {
            0 => Ok(status),
            rest => Err(format!("{rest} bytes are left over")),
        }
    }
    /// The head of an array behind a pointer; false where the pointer is null.
    fn array(&mut self, count: u32) -> Outcome<bool> {
        if self.number()? == 0 {
            return if count == 0 { Ok(false) } else { Err(format!("null instead of {count} elements")) };
        }
        match self.number()? {
            maximum if maximum == count => Ok(true),
            maximum => Err(format!("{maximum} elements instead of {count}")),
        }
    }
    pub fn channels(&mut self) -> Outcome<Vec<(String, u32)>> {
        let count = self.number()?;
        let mut statuses = Vec::new();
        if self.array(count)? {
            for _ in 0..count {
                self.number()?;
                statuses.push(self.number()?);
            }
        }
        statuses.into_iter().map(|status| Ok((self.text()?, status))).collect()
    }
    pub fn names(&mut self) -> Outcome<Vec<String>> {
        let count = self.number()?;
        self.strings(count)
    }
    fn strings(&mut self, count: u32) -> Outcome<Vec<String>> {
        if !self.array(count)? {
            return Ok(Vec::new());
        }
        self.elements(count)
    }
    fn elements(&mut self, count: u32) -> Outcome<Vec<String>> {
        let referents = (0..count).map(|_| self.number()).collect::<Outcome<Vec<u32>>>()?;
        referents.into_iter().filter(|referent| *referent != 0).map(|_| self.text()).collect()
    }
    /// Record numbers of a batch, each from its record's bookmark.
    pub fn records(&mut self) -> Outcome<Vec<u64>> {
        let count = self.number()?;
        let mut lists = [Vec::new(), Vec::new()];
        for list in &mut lists {
            if self.array(count)? {
                for _ in 0..count {
                    list.push(self.number()? as usize);
                }
            }
        }
        let size = self.number()?;
        let buffer = if self.array(size)? {
            self.from.read_bytes(size as usize).map_err(|error| error.to_string())?
        } else {
            &[]
        };
        let [offsets, sizes] = lists;
        offsets.iter().zip(sizes).map(|(at, size)| number_of(buffer.get(*at..at + size))).collect()
    }
    /// A list of variants, as text each; None stands for null.
    pub fn variants(&mut self) -> Outcome<Vec<Option<String>>> {
        let count = self.number()?;
        if !self.array(count)? {
            return Ok(Vec::new());
        }
        self.properties(count)
    }
    /// Lists of variants: their heads first, then each list's variants.
    pub fn lists(&mut self) -> Outcome<Vec<Vec<Option<String>>>> {
        let count = self.number()?;
        let mut heads = Vec::new();
        if self.array(count)? {
            for _ in 0..count {
                heads.push((self.number()?, self.number()?));
            }
        }
        let mut lists = Vec::new();
        for (size, _) in heads {
            match self.number()? {
                maximum if maximum == size => lists.push(self.properties(size)?),
                maximum => return Err(format!("{maximum} variants instead of {size}")),
            }
        }
        Ok(lists)
    }
    fn properties(&mut self, count: u32) -> Outcome<Vec<Option<String>>> {
        let read = |error: ms_ndr::NdrError| error.to_string();
        // What a variant holds in place, and what follows behind all of them: a kind, and a number of elements.
        let mut heads = Vec::new();
        for _ in 0..count {
            self.from.align(8);
            let kind = self.number()?;
            self.number()?;
            if self.number()? != kind {
                return Err(format!("the tag of a variant of type {kind} is another one"));
            }
            heads.push(match kind {
                0 => (kind, self.number()? as u64, false),
                1 => (kind, self.from.u8().map_err(read)? as u64, false),
                2 => (kind, self.number()? as u64, false),
                3 => (kind, self.from.u64().map_err(read)?, false),
                4 | 5 => (kind, 0, self.number()? != 0),
                6..=10 => (kind, self.number()? as u64, self.number()? != 0),
                _ => return Err(format!("a variant of type {kind}")),
            });
        }
        let mut values = Vec::new();
        for (kind, value, is_behind) in heads {
            values.push(match (kind, is_behind) {
                (0, _) | (4, false) | (5, false) => None,
                (1..=3, _) => Some(value.to_string()),
                (4, true) => Some(self.text()?),
                (5, true) => Some(format!("{:?}", self.from.uuid().map_err(read)?)),
                (_, false) => Some(String::new()),
                (kind, true) => Some(self.behind(kind, value as u32)?),
            });
        }
        Ok(values)
    }
    /// The elements of an array arm.
    fn behind(&mut self, kind: u32, count: u32) -> Outcome<String> {
        let maximum = self.number()?;
        if maximum != count {
            return Err(format!("{maximum} elements instead of {count}"));
        }
        if kind == 9 {
            return Ok(self.elements(count)?.join(", "));
        }
        let mut values = Vec::new();
        for _ in 0..count {
            let value = match kind {
                6 => self.from.u8().map(|value| value.to_string()),
                7 => self.from.u32().map(|value| value.to_string()),
                8 => self.from.u64().map(|value| value.to_string()),
                _ => self.from.uuid().map(|value| format!("{value:?}")),
            };
            values.push(value.map_err(|error| error.to_string())?);
        }
        Ok(values.join(", "))
    }
}

/// The record number in a record's binary bookmark (MS-EVEN6 2.2.17).
fn number_of(record: Option<&[u8]>) -> Outcome<u64> {
    let record = record.ok_or("a record lies outside of its buffer")?;
    let field = |at: usize| -> Outcome<usize> {
        let bytes = record.get(at..at + 4).ok_or("a record is cut off")?;
        Ok(u32::from_le_bytes(bytes.try_into().unwrap()) as usize)
    };
    if field(0)? != record.len() {
        return Err(format!("a record of {} bytes says {}", record.len(), field(0)?));
    }
    let bookmark = field(12)?;
    let at = bookmark + field(bookmark + 20)? + 8 * field(bookmark + 12)?;
    let bytes = record.get(at..at + 8).ok_or("a bookmark is cut off")?;
    Ok(u64::from_le_bytes(bytes.try_into().unwrap()))
}
