//! Checks an event log server with three crates by others: dcerpc (PDUs, NTLM, sealing, endpoint mapper), ms-even6 (stubs of
//! operations 5, 11 and 13) and ms-ndr (the primitives that all other stubs are made of).
//!
//!   even6-interop HOST PORT MAPPER-PORT USER PASSWORD DOMAIN CHANNEL COUNT LIVE-CHANNEL WRITE-COMMAND CLEAR-CHANNEL EXPORT-NAME
//!
//! Prints a line per check; exits 0 only if every check holds.

mod stub;

use dcerpc::transport::RpcTcp;
use dcerpc::{epm, RpcError, Syntax};
use ms_even6::{opnums, QueryHandle};
use std::process::Command;
use stub::{Handle, Outcome, Request, Response};
use tokio::runtime::Runtime;

const OLDEST: u32 = 0x101;
const FUTURE: u32 = 1;
const FROM_OLDEST: u32 = 2;
const PULL: u32 = 0x1000_0000;
const LAST: u32 = 2;
const NO_MORE_ITEMS: u32 = 0x103;
const NO_DATA: u32 = 0xE8;
const FILE_EXISTS: u32 = 0x50;
const NO_CHANNEL: u32 = 0x3A9F;
const CONTEXT_MISMATCH: u32 = 0x1C00_001A;
const OPERATION_RANGE: u32 = 0x1C01_0002;

struct Options {
    host: String,
    port: u16,
    mapper: u16,
    user: String,
    password: String,
    domain: String,
    channel: String,
    count: u64,
    live: String,
    write: String,
    clear: String,
    export: String,
}

fn options() -> Option<Options> {
    let mut given = std::env::args().skip(1);
    let mut next = || given.next();
    Some(Options {
        host: next()?,
        port: next()?.parse().ok()?,
        mapper: next()?.parse().ok()?,
        user: next()?,
        password: next()?,
        domain: next()?,
        channel: next()?,
        count: next()?.parse().ok()?,
        live: next()?,
        write: next()?,
        clear: next()?,
        export: next()?,
    })
}

fn even6() -> Syntax {
    Syntax::new("f6beaff7-1e19-4fbb-9f8f-b89e2018337c", 1, 0)
}

fn said(error: RpcError) -> String {
    match error {
        RpcError::Fault(status) => format!("fault {status:#x}"),
        other => other.to_string(),
    }
}

/// One sealed connection, used from a single thread.
struct Client {
    runtime: Runtime,
    rpc: RpcTcp,
}

impl Client {
    fn open(options: &Options, password: &str) -> Outcome<Client> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let rpc = runtime.block_on(async {
            let mut rpc = RpcTcp::connect(&format!("{}:{}", options.host, options.port)).await?;
            rpc.bind_sealed(even6(), &options.domain, &options.user, password, "INTEROP").await?;
            Ok(rpc)
        });
        Ok(Client { runtime, rpc: rpc.map_err(said)? })
    }
    fn call(&mut self, opnum: u16, stub: &[u8]) -> Outcome<Vec<u8>> {
        self.runtime.block_on(self.rpc.call_sealed(opnum, stub)).map_err(said)
    }
    fn ask(&mut self, opnum: u16, request: Request) -> Outcome<Vec<u8>> {
        self.call(opnum, &request.bytes())
    }
    /// A call whose answer is a handle and a status.
    fn opened(&mut self, opnum: u16, request: Request) -> Outcome<Handle> {
        let answer = self.ask(opnum, request)?;
        let mut from = Response::new(&answer);
        let handle = from.handle()?;
        same(from.status()?, 0, "status")?;
        Ok(handle)
    }
    /// A call whose answer is RpcInfo and a status.
    fn done(&mut self, opnum: u16, request: Request) -> Outcome<u32> {
        let answer = self.ask(opnum, request)?;
        let mut from = Response::new(&answer);
        let info = from.info()?;
        let status = from.status()?;
        same(info != 0 && status == 0, false, "an error beside success")?;
        Ok(status)
    }
    fn close(&mut self, handle: &Handle) -> Outcome<()> {
        same(self.opened(13, Request::new().handle(handle))?, [0; 20], "closed handle")
    }
    /// Registers a query or a subscription: its handle, and its control handle.
    fn register(&mut self, opnum: u16, request: Request, channel: &str) -> Outcome<(Handle, Handle)> {
        let answer = self.ask(opnum, request)?;
        let mut from = Response::new(&answer);
        let (handle, control) = (from.handle()?, from.handle()?);
        let (channels, info, status) = (from.channels()?, from.info()?, from.status()?);
        same((status, info), (0, 0), "status and RpcInfo")?;
        same(channels, vec![(channel.to_string(), 0)], "channels")?;
        same(handle == control || handle == [0; 20] || control == [0; 20], false, "handles are null or the same")?;
        Ok((handle, control))
    }
    fn query(&mut self, channel: &str, query: &str) -> Outcome<(Handle, Handle)> {
        self.register(5, Request::new().optional(Some(channel)).text(query).number(OLDEST), channel)
    }
    /// Record numbers of one batch of a query (11) or of a subscription (2), and its status.
    fn batch(&mut self, opnum: u16, handle: &Handle, count: u32) -> Outcome<(Vec<u64>, u32)> {
        let answer = self.ask(opnum, Request::new().handle(handle).number(count).number(5000).number(0))?;
        let mut from = Response::new(&answer);
        Ok((from.records()?, from.status()?))
    }
    fn all(&mut self, opnum: u16, handle: &Handle) -> Outcome<Vec<u64>> {
        let mut numbers = Vec::new();
        loop {
            let (found, status) = self.batch(opnum, handle, 300)?;
            numbers.extend(found);
            if status != 0 {
                same(status, NO_MORE_ITEMS, "status at the end")?;
                return Ok(numbers);
            }
        }
    }
    fn names(&mut self, opnum: u16, request: Request) -> Outcome<Vec<String>> {
        let answer = self.ask(opnum, request)?;
        let mut from = Response::new(&answer);
        let names = from.names()?;
        same(from.status()?, 0, "status")?;
        Ok(names)
    }
}

fn same<T: PartialEq + std::fmt::Debug>(actual: T, expected: T, what: &str) -> Outcome<()> {
    if actual == expected {
        return Ok(());
    }
    let shown = |value: &T| format!("{value:?}").chars().take(200).collect::<String>();
    Err(format!("{what} is {}, expected {}", shown(&actual), shown(&expected)))
}

/// A fault, whose status the crate does not tell: it wants faults to be sealed, which neither Windows nor Samba does.
fn fails<T>(outcome: Outcome<T>, fault: u32) -> Outcome<()> {
    match outcome {
        Ok(_) => Err(format!("answered, but fault {fault:#x} was expected")),
        Err(said) if said.contains("unseal") => Ok(()),
        Err(said) => same(said, format!("fault {fault:#x}"), "failure"),
    }
}

fn mapped(options: &Options) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let port = runtime.block_on(async {
        let mut rpc = RpcTcp::connect(&format!("{}:{}", options.host, options.mapper)).await?;
        rpc.bind(epm::epm_syntax()).await?;
        epm::decode_map_response(&rpc.call(3, &epm::encode_map(even6())).await?)
    });
    same(port.map_err(said)?, options.port, "port")
}

fn wrong_password(options: &Options) -> Outcome<()> {
    let query = opnums::encode_register_log_query("*", OLDEST);
    let answer = Client::open(options, "wrong").and_then(|mut client| client.call(5, &query));
    answer.map_or(Ok(()), |_| Err("a wrong password was accepted".into()))
}

/// Operations 5, 11 and 13 in the stubs of ms-even6.
fn foreign_stubs(client: &mut Client, options: &Options) -> Outcome<()> {
    let text = format!("<QueryList><Query><Select Path='{}'>*</Select></Query></QueryList>", options.channel);
    let answer = client.call(opnums::OPNUM_REGISTER_LOG_QUERY, &opnums::encode_register_log_query(&text, 0x100))?;
    let QueryHandle(handle) = opnums::decode_register_log_query(&answer).map_err(|error| error.to_string())?;
    let mut count = 0;
    loop {
        let answer = client.call(opnums::OPNUM_QUERY_NEXT, &opnums::encode_query_next(&QueryHandle(handle), 500, 5000))?;
        let records = opnums::decode_query_next(&answer).map_err(|error| error.to_string())?;
        if records.is_empty() {
            break;
        }
        count += records.len() as u64;
    }
    same(count, options.count, "number of records")?;
    let answer = client.call(opnums::OPNUM_CLOSE, &opnums::encode_close(&handle))?;
    opnums::decode_close(&answer).map_err(|error| error.to_string())
}

fn whole(client: &mut Client, options: &Options) -> Outcome<()> {
    let (handle, control) = client.query(&options.channel, "*")?;
    same(client.all(11, &handle)?, (1..=options.count).collect(), "record numbers")?;
    client.close(&handle)?;
    client.close(&control)
}

fn seeks(client: &mut Client, options: &Options) -> Outcome<()> {
    let (handle, control) = client.query(&options.channel, "*[System[EventRecordID<=20]]")?;
    let seek = |position, bookmark: Option<&str>, flags| {
        Request::new().handle(&handle).position(position).optional(bookmark).number(0).number(flags)
    };
    let from_last = seek(-2, None, LAST);
    let past = seek(1, None, LAST);
    let mark = format!("<BookmarkList><Bookmark Channel='{}' RecordId='5' IsCurrent='true'/></BookmarkList>", options.channel);
    let from_mark = seek(1, Some(&mark), 4);
    same(client.done(12, from_last)?, 0, "status")?;
    same(client.batch(11, &handle, 10)?, (vec![18, 19, 20], 0), "records from the last but two on")?;
    same(client.done(12, past)?, 0x57, "status of a seek past the last")?;
    same(client.done(12, from_mark)?, 0, "status")?;
    same(client.batch(11, &handle, 2)?, (vec![6, 7], 0), "records behind a bookmark")?;
    client.close(&handle)?;
    client.close(&control)
}

fn cancels(client: &mut Client, options: &Options) -> Outcome<()> {
    let (handle, control) = client.query(&options.channel, "*")?;
    for _ in 0..2 {
        let answer = client.ask(14, Request::new().handle(&control))?;
        same(Response::new(&answer).status()?, 0, "status of op 14")?;
    }
    let answer = client.ask(14, Request::new().handle(&handle))?;
    same(Response::new(&answer).status()?, 0x57, "status of op 14 with a handle that controls nothing")?;
    same(client.batch(11, &handle, 2)?, (vec![1, 2], 0), "records after a cancel of nothing")?;
    client.close(&handle)?;
    client.close(&control)?;
    fails(client.ask(14, Request::new().handle(&control)), CONTEXT_MISMATCH)
}

fn subscription(client: &mut Client, options: &Options) -> Outcome<()> {
    let ask = |flags, channel: &str| Request::new().optional(Some(channel)).text("*").optional(None).number(flags | PULL);
    let (handle, control) = client.register(0, ask(FROM_OLDEST, &options.channel), &options.channel)?;
    same(client.all(2, &handle)?, (1..=options.count).collect(), "record numbers")?;
    client.close(&handle)?;
    client.close(&control)?;
    let (handle, control) = client.register(0, ask(FUTURE, &options.live), &options.live)?;
    same(client.batch(2, &handle, 5)?, (vec![], NO_MORE_ITEMS), "a batch before anything was written")?;
    let status = Command::new("sh").arg("-c").arg(&options.write).status().map_err(|error| error.to_string())?;
    same(status.success(), true, "success of the writer")?;
    let answer = client.ask(3, Request::new().handle(&handle))?;
    same(Response::new(&answer).status()?, 0, "status of op 3")?;
    let (found, status) = client.batch(2, &handle, 5)?;
    same((found.len(), status), (1, 0), "events and status")?;
    client.close(&handle)?;
    client.close(&control)
}

fn channels(client: &mut Client, options: &Options) -> Outcome<()> {
    let names = client.names(19, Request::new().number(0))?;
    same(names.contains(&options.channel), true, "the channel is listed")?;
    for name in names {
        let answer = client.ask(20, Request::new().text(&name).number(0))?;
        let mut from = Response::new(&answer);
        let values = from.variants()?;
        same(from.status()?, 0, "status of op 20")?;
        same(values.len(), 21, "number of properties")?;
        same(values[0].as_deref(), Some("1"), "Enabled")?;
        same(values[8].as_deref().is_some_and(|size| size.parse::<u64>().is_ok()), true, "MaxSize is a number")?;
    }
    Ok(())
}

fn publishers(client: &mut Client) -> Outcome<()> {
    let names = client.names(22, Request::new().number(0))?;
    let mut described = 0;
    for name in names.iter().take(10) {
        let answer = client.ask(24, Request::new().optional(Some(name)).optional(None).number(0x409).number(0))?;
        let mut from = Response::new(&answer);
        let (values, handle, status) = (from.variants()?, from.handle()?, from.status()?);
        if status != 0 {
            same((status == 2 || status == 0x57, handle), (true, [0; 20]), "an unknown publisher, and its handle")?;
            continue;
        }
        described += 1;
        same(values.len(), 29, "number of properties")?;
        for id in [4, 5, 0xC, 0x10, 0x15, 0x19] {
            let answer = client.ask(25, Request::new().handle(&handle).number(id).number(0))?;
            let mut from = Response::new(&answer);
            let (values, status) = (from.variants()?, from.status()?);
            same(status == 0xD || (status == 0 && values.len() == 29), true, "29 properties of a resource, or none")?;
        }
        let events = client.opened(26, Request::new().handle(&handle).number(0).optional(None))?;
        loop {
            let answer = client.ask(27, Request::new().handle(&events).number(0).number(16))?;
            let mut from = Response::new(&answer);
            let (lists, status) = (from.lists()?, from.status()?);
            same(lists.iter().all(|list| list.len() == 9), true, "nine properties of every event")?;
            if status != 0 || lists.is_empty() {
                same(status == 0 || status == NO_DATA, true, "status at the end")?;
                break;
            }
        }
        client.close(&events)?;
        client.close(&handle)?;
    }
    println!("     {described} of {} publishers have metadata", names.len().min(10));
    Ok(())
}

fn changes(client: &mut Client, options: &Options) -> Outcome<()> {
    let control = client.opened(4, Request::new())?;
    let export = |channel: &str, name: &str| {
        Request::new().handle(&control).optional(Some(channel)).text("*[System[EventRecordID<=9]]").text(name).number(1)
    };
    let (good, again) = (export(&options.channel, &options.export), export(&options.channel, &options.export));
    let unknown = export("NoSuchChannel", "another.evtx");
    same(client.done(7, good)?, 0, "status of op 7")?;
    same(client.done(7, again)?, FILE_EXISTS, "status of op 7 onto the same file")?;
    same(client.done(7, unknown)?, NO_CHANNEL, "status of op 7 for no channel")?;
    let (before, query_control) = client.query(&options.clear, "*")?;
    same(client.all(11, &before)?.is_empty(), false, "the channel to be cleared is empty")?;
    client.close(&before)?;
    client.close(&query_control)?;
    let clear = Request::new().handle(&control).text(&options.clear).optional(None).number(0);
    same(client.done(6, clear)?, 0, "status of op 6")?;
    let (after, query_control) = client.query(&options.clear, "*")?;
    same(client.all(11, &after)?, vec![], "record numbers after the clear")?;
    for handle in [after, query_control, control] {
        client.close(&handle)?;
    }
    Ok(())
}

fn main() {
    let Some(options) = options() else {
        eprintln!("usage: see the head of main.rs");
        std::process::exit(2);
    };
    println!("dcerpc 0.2.11, ms-even6 0.1.0, ms-ndr 0.1.2");
    let (mut passed, mut failed) = (0, 0);
    let mut check = |name: &str, outcome: Outcome<()>| match outcome {
        Ok(()) => {
            passed += 1;
            println!("ok   {name}");
        }
        Err(said) => {
            failed += 1;
            println!("FAIL {name}: {said}");
        }
    };
    check("mapper: a port", mapped(&options));
    check("NTLM, privacy: a wrong password is refused", wrong_password(&options));
    match Client::open(&options, &options.password) {
        Err(said) => check("NTLM, privacy: bind", Err(said)),
        Ok(mut client) => {
            check("ops 5, 11, 13 in the stubs of ms-even6: the whole channel", foreign_stubs(&mut client, &options));
            check("ops 5, 11, 13: the whole channel in batches of 300", whole(&mut client, &options));
            check("op 12: from the last, past it, from a bookmark", seeks(&mut client, &options));
            check("op 14: nothing pending; handles that control nothing", cancels(&mut client, &options));
            check("ops 0, 2, 3: what is there; one event as it comes", subscription(&mut client, &options));
            check("ops 19, 20: every channel's configuration", channels(&mut client, &options));
            check("ops 22, 24 to 27: metadata of publishers", publishers(&mut client));
            check("ops 4, 6, 7: export and clear", changes(&mut client, &options));
            check("op 29: fault", fails(client.ask(29, Request::new()), OPERATION_RANGE));
        }
    }
    println!("{passed} passed, {failed} failed, 0 skipped");
    std::process::exit(i32::from(failed > 0));
}
