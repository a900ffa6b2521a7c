using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Io.Tests.Transport.Rdma;

/// <summary>Structures and constants of the verbs, compared with what the C compiler makes of the header.</summary>
public sealed class VerbsLayoutTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("threefs-verbs-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static readonly (Type Type, string C, (string Field, string Member)[] Fields)[] _structures =
    [
        (typeof(IbContext), "struct ibv_context",
        [
            ("PollCq", "ops.poll_cq"), ("RequestNotify", "ops.req_notify_cq"), ("PostSend", "ops.post_send"),
            ("PostReceive", "ops.post_recv"), ("CommandFd", "cmd_fd"), ("AsyncFd", "async_fd"),
            ("CompletionVectors", "num_comp_vectors"),
        ]),
        (typeof(IbPd), "struct ibv_pd", [("Context", "context"), ("Handle", "handle")]),
        (typeof(IbMr), "struct ibv_mr",
            [("Address", "addr"), ("Length", "length"), ("LocalKey", "lkey"), ("RemoteKey", "rkey")]),
        (typeof(IbCompletionChannel), "struct ibv_comp_channel", [("Fd", "fd")]),
        (typeof(IbCq), "struct ibv_cq", [("Context", "context"), ("Channel", "channel"), ("Entries", "cqe")]),
        (typeof(IbQp), "struct ibv_qp",
            [("Context", "context"), ("Pd", "pd"), ("Number", "qp_num"), ("State", "state")]),
        (typeof(IbQpInitAttributes), "struct ibv_qp_init_attr",
        [
            ("UserContext", "qp_context"), ("SendCq", "send_cq"), ("ReceiveCq", "recv_cq"), ("SharedReceiveQueue", "srq"),
            ("Capabilities", "cap"), ("Type", "qp_type"), ("SignalAll", "sq_sig_all"),
        ]),
        (typeof(IbQpCapabilities), "struct ibv_qp_cap",
        [
            ("MaxSendWr", "max_send_wr"), ("MaxReceiveWr", "max_recv_wr"), ("MaxSendSge", "max_send_sge"),
            ("MaxReceiveSge", "max_recv_sge"), ("MaxInlineData", "max_inline_data"),
        ]),
        (typeof(IbAddressAttributes), "struct ibv_ah_attr",
        [
            ("Destination", "grh.dgid"), ("FlowLabel", "grh.flow_label"), ("SourceGidIndex", "grh.sgid_index"),
            ("HopLimit", "grh.hop_limit"), ("TrafficClass", "grh.traffic_class"), ("DestinationLid", "dlid"),
            ("ServiceLevel", "sl"), ("SourcePathBits", "src_path_bits"), ("StaticRate", "static_rate"),
            ("IsGlobal", "is_global"), ("Port", "port_num"),
        ]),
        (typeof(IbQpAttributes), "struct ibv_qp_attr",
        [
            ("State", "qp_state"), ("PathMtu", "path_mtu"), ("ReceivePsn", "rq_psn"), ("SendPsn", "sq_psn"),
            ("DestinationQp", "dest_qp_num"), ("Access", "qp_access_flags"), ("Address", "ah_attr"),
            ("PartitionKeyIndex", "pkey_index"), ("MaxReadsOut", "max_rd_atomic"), ("MaxReadsIn", "max_dest_rd_atomic"),
            ("MinRnrTimer", "min_rnr_timer"), ("Port", "port_num"), ("Timeout", "timeout"), ("RetryCount", "retry_cnt"),
            ("RnrRetry", "rnr_retry"),
        ]),
        (typeof(IbSge), "struct ibv_sge", [("Address", "addr"), ("Length", "length"), ("LocalKey", "lkey")]),
        (typeof(IbSendWr), "struct ibv_send_wr",
        [
            ("Id", "wr_id"), ("Next", "next"), ("Pieces", "sg_list"), ("PieceCount", "num_sge"), ("Opcode", "opcode"),
            ("Flags", "send_flags"), ("RemoteAddress", "wr.rdma.remote_addr"), ("RemoteKey", "wr.rdma.rkey"),
        ]),
        (typeof(IbRecvWr), "struct ibv_recv_wr",
            [("Id", "wr_id"), ("Next", "next"), ("Pieces", "sg_list"), ("PieceCount", "num_sge")]),
        (typeof(IbWc), "struct ibv_wc",
        [
            ("Id", "wr_id"), ("Status", "status"), ("Opcode", "opcode"), ("VendorError", "vendor_err"), ("Length", "byte_len"),
            ("QpNumber", "qp_num"),
        ]),
        (typeof(IbGid), "union ibv_gid", []),
        (typeof(IbGidEntry), "struct ibv_gid_entry",
        [
            ("Gid", "gid"), ("Index", "gid_index"), ("Port", "port_num"), ("Type", "gid_type"), ("InterfaceIndex", "ndev_ifindex"),
        ]),
        (typeof(IbDeviceAttributes), "struct ibv_device_attr",
        [
            ("MaxQpWr", "max_qp_wr"), ("MaxSge", "max_sge"), ("MaxCqEntries", "max_cqe"), ("MaxMr", "max_mr"),
            ("MaxQpReads", "max_qp_rd_atom"), ("MaxQpReadsOut", "max_qp_init_rd_atom"), ("Ports", "phys_port_cnt"),
        ]),
    ];

    /// <summary>Ours is longer on purpose: what fills it decides the length.</summary>
    private static readonly (string Field, string Member)[] _portFields =
    [
        ("State", "state"), ("ActiveMtu", "active_mtu"), ("GidTableLength", "gid_tbl_len"), ("MaxMessage", "max_msg_sz"),
        ("Lid", "lid"), ("LinkLayer", "link_layer"),
    ];

    private static readonly (string C, long Value)[] _constants =
    [
        ("IBV_QPS_RESET", (long)IbQpState.Reset), ("IBV_QPS_INIT", (long)IbQpState.Init),
        ("IBV_QPS_RTR", (long)IbQpState.ReadyToReceive), ("IBV_QPS_RTS", (long)IbQpState.ReadyToSend),
        ("IBV_QPS_ERR", (long)IbQpState.Error), ("IBV_QPT_RC", (long)IbQpType.ReliableConnection),
        ("IBV_MTU_256", (long)IbMtu.B256), ("IBV_MTU_4096", (long)IbMtu.B4096), ("IBV_PORT_ACTIVE", (long)IbPortState.Active),
        ("IBV_LINK_LAYER_INFINIBAND", (long)IbLinkLayer.InfiniBand), ("IBV_LINK_LAYER_ETHERNET", (long)IbLinkLayer.Ethernet),
        ("IBV_GID_TYPE_IB", (long)IbGidType.InfiniBand), ("IBV_GID_TYPE_ROCE_V1", (long)IbGidType.RoceV1),
        ("IBV_GID_TYPE_ROCE_V2", (long)IbGidType.RoceV2), ("IBV_WR_RDMA_WRITE", (long)IbOpcode.RdmaWrite),
        ("IBV_WR_SEND", (long)IbOpcode.Send), ("IBV_WR_RDMA_READ", (long)IbOpcode.RdmaRead),
        ("IBV_SEND_SIGNALED", (long)IbSendFlags.Signaled), ("IBV_ACCESS_LOCAL_WRITE", (long)IbAccess.LocalWrite),
        ("IBV_ACCESS_REMOTE_WRITE", (long)IbAccess.RemoteWrite), ("IBV_ACCESS_REMOTE_READ", (long)IbAccess.RemoteRead),
        ("IBV_QP_STATE", (long)IbQpMask.State), ("IBV_QP_ACCESS_FLAGS", (long)IbQpMask.Access),
        ("IBV_QP_PKEY_INDEX", (long)IbQpMask.PartitionKeyIndex), ("IBV_QP_PORT", (long)IbQpMask.Port),
        ("IBV_QP_AV", (long)IbQpMask.Address), ("IBV_QP_PATH_MTU", (long)IbQpMask.PathMtu),
        ("IBV_QP_TIMEOUT", (long)IbQpMask.Timeout), ("IBV_QP_RETRY_CNT", (long)IbQpMask.RetryCount),
        ("IBV_QP_RNR_RETRY", (long)IbQpMask.RnrRetry), ("IBV_QP_RQ_PSN", (long)IbQpMask.ReceivePsn),
        ("IBV_QP_MAX_QP_RD_ATOMIC", (long)IbQpMask.MaxReadsOut), ("IBV_QP_MIN_RNR_TIMER", (long)IbQpMask.MinRnrTimer),
        ("IBV_QP_SQ_PSN", (long)IbQpMask.SendPsn), ("IBV_QP_MAX_DEST_RD_ATOMIC", (long)IbQpMask.MaxReadsIn),
        ("IBV_QP_DEST_QPN", (long)IbQpMask.DestinationQp), ("IBV_WC_RECV", IbWc.ReceiveOpcode),
        ("IBV_WC_LOC_LEN_ERR", (long)IbWcStatus.LocalLength), ("IBV_WC_LOC_QP_OP_ERR", (long)IbWcStatus.LocalQpOperation),
        ("IBV_WC_LOC_PROT_ERR", (long)IbWcStatus.LocalProtection), ("IBV_WC_WR_FLUSH_ERR", (long)IbWcStatus.Flushed),
        ("IBV_WC_REM_INV_REQ_ERR", (long)IbWcStatus.RemoteInvalidRequest),
        ("IBV_WC_REM_ACCESS_ERR", (long)IbWcStatus.RemoteAccess), ("IBV_WC_REM_OP_ERR", (long)IbWcStatus.RemoteOperation),
        ("IBV_WC_RETRY_EXC_ERR", (long)IbWcStatus.RetryExceeded),
        ("IBV_WC_RNR_RETRY_EXC_ERR", (long)IbWcStatus.RnrRetryExceeded),
        ("IBV_WC_REM_ABORT_ERR", (long)IbWcStatus.RemoteAborted), ("IBV_WC_FATAL_ERR", (long)IbWcStatus.Fatal),
        ("IBV_WC_RESP_TIMEOUT_ERR", (long)IbWcStatus.ResponseTimeout), ("IBV_WC_GENERAL_ERR", (long)IbWcStatus.General),
    ];

    [Fact]
    public void Structures_and_constants_are_the_headers()
    {
        var source = new StringBuilder("#include <infiniband/verbs.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n");
        var expected = new List<string>();
        foreach (var (type, c, fields) in _structures)
        {
            Line($"sizeof({c})", Marshal.SizeOf(type));
            foreach (var (field, member) in fields) Line($"offsetof({c}, {member})", (long)Marshal.OffsetOf(type, field));
        }

        foreach (var (field, member) in _portFields)
            Line($"offsetof(struct ibv_port_attr, {member})", (long)Marshal.OffsetOf<IbPortAttributes>(field));
        foreach (var (c, value) in _constants) Line(c, value);
        source.Append("    return sizeof(struct ibv_port_attr) > 64;\n}\n");
        Assert.Equal(expected, Run(source.ToString()));

        void Line(string expression, long value)
        {
            source.Append($"    printf(\"%s = %ld\\n\", \"{expression}\", (long)({expression}));\n");
            expected.Add($"{expression} = {value}");
        }
    }

    private string[] Run(string source)
    {
        var file = Path.Combine(_directory, "layout.c");
        var program = Path.Combine(_directory, "layout");
        File.WriteAllText(file, source);
        Execute("gcc", $"-o {program} {file}");
        return Execute(program, "").TrimEnd().Split('\n');
    }

    private static string Execute(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
