// SPDX-License-Identifier: GPL-2.0-or-later
//
// Makes 20,000 deflaters, by which time the code is compiled (with -Xint it never is), waits for a line on stdin, and
// makes 5,000 more. Each is six allocations by JNI code and zlib.
import java.util.zip.Deflater;

public class Deflaters {
	static void inner(int n) {
		for (int i = 0; i < n; i++)
			new Deflater().end();
	}

	static void outer(int n) {
		for (int i = 0; i < n; i++)
			inner(20);
	}

	public static void main(String[] args) throws java.io.IOException {
		work(20000);
		System.out.println("ready");
		System.in.read();
		work(5000);
	}

	static void work(int n) {
		for (int i = 0; i < n; i += 100)
			outer(5);
	}
}
