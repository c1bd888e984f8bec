/**
 * EL2's registers as far as they govern what a guest does. Who plays EL2 writes them before it runs a guest; the CPU
 * only reads them. Formats with HCR_EL2.E2H (VHE) are the ones with E2H = 1.
 */
export interface El2Registers {
  HCR_EL2: bigint;
  /** Nothing that it controls is here. */
  HCRX_EL2: bigint;
  VTCR_EL2: bigint;
  VTTBR_EL2: bigint;
  VPIDR_EL2: bigint;
  VMPIDR_EL2: bigint;
  CPTR_EL2: bigint;
  MDCR_EL2: bigint;
  HSTR_EL2: bigint;
  CNTHCTL_EL2: bigint;
  CNTVOFF_EL2: bigint;
  VSESR_EL2: bigint;
  ICC_SRE_EL2: bigint;
}

export function resetEl2(): El2Registers {
  return {
    HCR_EL2: 0n,
    HCRX_EL2: 0n,
    VTCR_EL2: 0n,
    VTTBR_EL2: 0n,
    VPIDR_EL2: 0n,
    VMPIDR_EL2: 0n,
    CPTR_EL2: 0n,
    MDCR_EL2: 0n,
    HSTR_EL2: 0n,
    CNTHCTL_EL2: 0n,
    CNTVOFF_EL2: 0n,
    VSESR_EL2: 0n,
    ICC_SRE_EL2: 0n,
  };
}

const bit = (n: number) => 1n << BigInt(n);

/** ICC_SRE_EL2 (GICv3, 12.7.7). */
export const ICC_SRE = { SRE: bit(0), DFB: bit(1), DIB: bit(2), ENABLE: bit(3) } as const;

/** HCR_EL2's bits by name (Arm ARM, HCR_EL2). */
export const HCR = {
  VM: bit(0),
  SWIO: bit(1),
  PTW: bit(2),
  FMO: bit(3),
  IMO: bit(4),
  AMO: bit(5),
  VF: bit(6),
  VI: bit(7),
  VSE: bit(8),
  FB: bit(9),
  DC: bit(12),
  TWI: bit(13),
  TWE: bit(14),
  TID0: bit(15),
  TID1: bit(16),
  TID2: bit(17),
  TID3: bit(18),
  TSC: bit(19),
  TIDCP: bit(20),
  TACR: bit(21),
  TSW: bit(22),
  TPCP: bit(23),
  TPU: bit(24),
  TTLB: bit(25),
  TVM: bit(26),
  TGE: bit(27),
  TDZ: bit(28),
  HCD: bit(29),
  TRVM: bit(30),
  RW: bit(31),
  CD: bit(32),
  ID: bit(33),
  E2H: bit(34),
  TLOR: bit(35),
  TERR: bit(36),
  TEA: bit(37),
  APK: bit(40),
  API: bit(41),
  FWB: bit(46),
  TID4: bit(49),
  TICAB: bit(50),
  TOCU: bit(52),
  ENSCXT: bit(53),
  TTLBIS: bit(54),
  TTLBOS: bit(55),
  ATA: bit(56),
  TID5: bit(58),
} as const;

/** MDCR_EL2's bits that the CPU looks at by name (Arm ARM, MDCR_EL2). */
export const MDCR = { TPMCR: bit(5), TPM: bit(6), TDE: bit(8), TDA: bit(9), TDOSA: bit(10), TDRA: bit(11) } as const;
