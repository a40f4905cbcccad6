/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arithmetic of sampling, in integers: for BPF programs, and for tests on the host. Includes nothing; the includer
 * brings __u32, __s64 and friends. BPF has no floats, no signed division and no 128-bit products.
 *
 * Bytes and calls are sampled at once: think of all calls as a line, each as long as its bytes and c more, and of
 * sample points on it that lie there at random, one in T bytes on average, each independent of the others (Poisson). A
 * call is a sample if a point lies in its length, however many:
 *
 *      |--16--|--16--|---------200---------|-8-|--16--|-----------------4096------------------|--16--|
 *                               *                                *      *            *
 *                            sample                                   sample
 *
 * so that a call of length s = n + c is one with probability p = 1 - exp(-s/T) = 1 - exp(-(n/T + 1/K)), K = T/c, and
 * stands for w = 1/p calls like it (Horvitz-Thompson). What this asks of the BPF side: `left` counts down the length
 * to the next point.
 *
 *      s = sample_length(bytes, law);
 *      if (left > s) { left -= s; return; }                    not sampled
 *      left = sample_gap(bpf_get_prandom_u32(), T);            sampled: w = sample_weight(s, T)
 *
 * What c is for: by bytes alone (c = 0) a call of 16 bytes has a weight of T/16, so that a row of small and large
 * blocks gets its calls from a few samples of huge weight, and if none of these came, from none. With c no weight is
 * above about K. That one sample in five comes by calls, K = calls/(0.2 samples), costs bytes at most a ninth of their
 * error (user/pace/rate.c chooses c).
 *
 * The distance to the next point is exponential wherever one starts to measure, so the rest of the old gap is of no
 * use, nor is what of the call lies behind the point: the new gap starts behind the call. (Subtracting the one from the
 * other, as is tempting, samples a call again that ends the gap too late, and is biased for sizes about T.) For the
 * same reason `left` may be drawn anew at any time without a bias, if that does not depend on the calls to come; and it
 * must be when T or c change, since a gap that was drawn for one law goes with no weight of another: keep the law
 * beside left, and take both from there. A law is one word, so that it changes at once: SAMPLE_LAW(T, c).
 *
 * Bytes are whole, so a gap is rounded up: P(gap <= s) is then 1 - exp(-s/T) exactly for every whole s. The mean of the
 * gaps is therefore 1/(1 - exp(-1/T)), about T + 1/2. c is whole, too, and at least 1, or a call of 0 bytes would never
 * be sampled. T = 1 means every call: gaps of 1 byte and weights of 1, without a special case in the caller.
 */
#ifndef ALLOCTRACE_SAMPLE_H
#define ALLOCTRACE_SAMPLE_H

#define SAMPLE_MEAN_MAX		(1ULL << 26)	/* bytes */
#define SAMPLE_ONE		(1ULL << 16)	/* a weight of one call, as by CALLS_SHIFT */
#define SAMPLE_WEIGHT_MAX	(1ULL << 48)	/* 2^32 calls */

/* mean: T, bytes, 1 … SAMPLE_MEAN_MAX. call: c, bytes, 1 … 2^32 - 1. */
#define SAMPLE_LAW(mean, call)	((__u64)(mean) | (__u64)(call) << 32)
#define SAMPLE_LAW_MEAN(law)	((__u64)(__u32)(law))
#define SAMPLE_LAW_CALL(law)	((__u64)(law) >> 32)
#define SAMPLE_ALL		SAMPLE_LAW(1, 1)

#define sample_inline static inline __attribute__((always_inline, unused))

/*
 * Of a static variable in BPF, libbpf up to 1.1 at least leaves the offset in BTF's list of variables at 0, and the
 * kernel refuses two of them at one place: they are kept out of that list.
 */
#ifdef __bpf__
#define sample_table static const __attribute__((nodebug))
#else
#define sample_table static const
#endif

/* 1/c and ln(c) of c = 1, 1 + 1/16, … 2. << 31 and << 32. */
sample_table struct {
	__u32 inverse, ln;
} sample_ln[17] = {
	{0x80000000, 0x00000000}, {0x78787878, 0x0f851860}, {0x71c71c72, 0x1e27076e}, {0x6bca1af3, 0x2bfe60e1},
	{0x66666666, 0x391fef8f}, {0x61861862, 0x459d72af}, {0x5d1745d1, 0x51862f08}, {0x590b2164, 0x5ce75fdb},
	{0x55555555, 0x67cc8fb3}, {0x51eb851f, 0x723fdf1e}, {0x4ec4ec4f, 0x7c4a3d7f}, {0x4bda12f7, 0x85f39721},
	{0x49249249, 0x8f42faf4}, {0x469ee584, 0x983eb99a}, {0x44444444, 0xa0ec7f42}, {0x42108421, 0xa9516933},
	{0x40000000, 0xb17217f8},
};

/* Place of the highest bit, by a de Bruijn sequence: BPF can't count leading zeroes. */
sample_table unsigned char sample_log2[32] = {
	0, 9, 1, 10, 13, 21, 2, 29, 11, 14, 16, 18, 22, 25, 3, 30, 8, 12, 20, 28, 15, 17, 24, 7, 19, 27, 23, 6, 26, 5,
	4, 31,
};

/*
 * -ln(u) << 32, where u = (random | 1) / 2^32: the middle of one of 2^31 equal parts of (0, 1), so that neither 0 nor 1
 * comes up; the result is from 1 to 22.2 << 32. With u = 2^(k - 32) m and m in [1, 2), it is (32 - k) ln 2 - ln m, and
 * ln m is ln c + r - r^2/2 with the c of the table that is next to m, and r = (m - c)/c, at most 1/32. Next, not below:
 * as u approaches 1, c is 2, and the logarithms cancel exactly. Relative error below 1e-4.
 */
sample_inline __u64 sample_exponential(__u32 random)
{
	__u32 v = random | 1, spread = v, k;
	__s64 m, r;
	__u64 i;

	spread |= spread >> 1;
	spread |= spread >> 2;
	spread |= spread >> 4;
	spread |= spread >> 8;
	spread |= spread >> 16;
	k = sample_log2[(spread * 0x07c4acddU) >> 27];
	m = (__u64)v << (31 - k);	/* << 31 */
	i = ((__u64)m - (1ULL << 31) + (1ULL << 26)) >> 27;
	__asm__ volatile("" : "+r"(i));	/* never above 16, which clang knows but the verifier does not */
	if (i > 16)
		i = 16;
	r = (m - (__s64)((16 + i) << 27)) * (__s64)sample_ln[i].inverse >> 30;	/* << 32 */
	return (32 - k) * (__u64)sample_ln[16].ln - sample_ln[i].ln - r + (r * r >> 33);
}

/* Bytes to the next sample point, at least 1. mean: bytes, 1 … SAMPLE_MEAN_MAX. random: 32 random bits. */
sample_inline __u64 sample_gap(__u32 random, __u64 mean)
{
	return mean <= 1 ? 1 : (sample_exponential(random) * mean + 0xffffffff) >> 32;
}

/* exp(-x) << 16, x: << 16, below 16. Relative error 1.1e-4, and the rounding of the result. */
sample_inline __u64 sample_exp(__u64 x)
{
	__u64 t = x * 94548 >> 16;	/* by log2(e): 2^-t, and of that the fraction by a polynomial, 1 … 1/2 */
	__u64 f = t & 0xffff;

	return (65536 - (f * (45312 - (f * (15106 - (f * 2562 >> 16)) >> 16)) >> 16)) >> (t >> 16);
}

/* Length of a call of so many bytes (below 2^63). */
sample_inline __u64 sample_length(__u64 bytes, __u64 law)
{
	return bytes + SAMPLE_LAW_CALL(law);
}

/*
 * 1/(1 - exp(-x)), x = length/mean, << 16: calls that a sample of that length stands for. mean: as for sample_gap().
 * Any length from 1 on. For x < 1 by its series 1/x + 1/2 + x/12 - x^3/720. Relative error below 2e-4.
 */
sample_inline __u64 sample_weight(__u64 length, __u64 mean)
{
	__u64 x;

	if (mean <= 1 || length >= mean * 12)
		return SAMPLE_ONE;
	if (!length)
		length = 1;
	x = (length << 16) / mean;
	if (length >= mean)
		return (1ULL << 32) / (65536 - sample_exp(x));
	return (mean << 16) / length + 32768 + (x * (5461 - ((x * x >> 16) * 91 >> 16)) >> 16);
}

/* a * b, or the largest number if that is too large. */
sample_inline __u64 sample_product(__u64 a, __u64 b)
{
	if ((a | b) >> 32 && b) {
		__u64 most = ~0ULL / b;

		__asm__ volatile("" : "+r"(most));	/* or clang makes it a 128-bit product */
		if (a > most)
			return ~0ULL;
	}
	return a * b;
}

/* A weight if only one in `factor` (<< 16, from 1 on) calls had a chance to be sampled. At most SAMPLE_WEIGHT_MAX. */
sample_inline __u64 sample_times(__u64 weight, __u64 factor)
{
	if (factor == SAMPLE_ONE)
		return weight;
	weight = weight >> 32 ? sample_product(weight >> 16, factor) : sample_product(weight, factor) >> 16;
	return weight < SAMPLE_WEIGHT_MAX ? weight : SAMPLE_WEIGHT_MAX;
}

/* Bytes that a sample stands for: weight * bytes, rounded to nearest (beyond 2^48 down, by less than 1 in 2^16). At
 * most 2^64 - 1. weight: at most SAMPLE_WEIGHT_MAX. */
sample_inline __u64 sample_bytes(__u64 bytes, __u64 weight)
{
	__u64 product;

	if (weight == SAMPLE_ONE)
		return bytes;
	product = sample_product(bytes, weight);
	if (product <= ~0ULL - 32768)
		return (product + 32768) >> 16;
	return bytes > weight ? sample_product(bytes >> 16, weight) : sample_product(bytes, weight >> 16);
}

/* What a sample adds to struct sum.calls_var: w(w - 1) << 4. Rounded to nearest; at most 2^64 - 1. */
sample_inline __u64 sample_calls_var(__u64 weight)
{
	__u64 rest = weight - SAMPLE_ONE;

	if (weight <= SAMPLE_ONE)
		return 0;
	if (!(weight >> 32))
		return (weight * rest >> 28) + (weight * rest >> 27 & 1);
	return sample_product(weight >> 14, rest >> 14);
}

/*
 * The same for struct sum.bytes_var: bytes^2 w(w - 1) >> 8. Never more than mean^2 >> 8 for a weight that
 * sample_weight() gave; it grows by sample_times(), and stops at 2^64 - 1.
 */
sample_inline __u64 sample_bytes_var(__u64 bytes, __u64 weight)
{
	__u64 all, rest;

	if (weight <= SAMPLE_ONE)
		return 0;
	all = sample_product(bytes, weight);
	rest = sample_product(bytes, weight - SAMPLE_ONE);
	if (!(all >> 32))
		return (all * rest >> 40) + (all * rest >> 39 & 1);
	if (!(all >> 46))
		return (all >> 14) * (rest >> 14) >> 12;
	return sample_product(all >> 20, rest >> 20);
}

#endif
