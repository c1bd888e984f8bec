/*
 * A multiboot image for 32-bit x86; which kernel and how often, to be filled in, at offset 8 of the image as on A64 (the
 * header follows: it may lie anywhere in the first 8 KiB). Identity-maps 128 MiB by 4 KiB pages, switches paging and SSE on,
 * calls run_kernel, and writes its answer to the first serial port as eight hexadecimal digits.
 */
#define TABLES 32
#define SERIAL 0x3f8

	.section .text.boot, "ax"
	.globl _start
	.code32
_start:
	jmp	1f
	.balign	8
parameters:
	.long	0, 0
	.long	0x1badb002, 0x10000, -0x1badb002 - 0x10000
	.long	_start + 16, _start, 0, _bss_end, _start
1:
	cli
	mov	$stack_top, %esp
	mov	$pages, %edi
	mov	$3, %eax
2:	mov	%eax, (%edi)
	add	$4, %edi
	add	$0x1000, %eax
	cmp	$(TABLES << 22) + 3, %eax
	jne	2b
	mov	$directory, %edi
	mov	$pages + 3, %eax
3:	mov	%eax, (%edi)
	add	$4, %edi
	add	$0x1000, %eax
	cmp	$pages + 3 + (TABLES << 12), %eax
	jne	3b
	mov	$directory, %eax
	mov	%eax, %cr3
	mov	%cr4, %eax
	or	$0x600, %eax
	mov	%eax, %cr4
	mov	%cr0, %eax
	and	$~4, %eax
	or	$0x80010002, %eax
	mov	%eax, %cr0
	jmp	4f
4:	sub	$8, %esp
	pushl	parameters + 4
	pushl	parameters
	call	run_kernel
	mov	%eax, %ebx
	mov	$SERIAL, %dx
	mov	$8, %ecx
5:	rol	$4, %ebx
	mov	%ebx, %eax
	and	$15, %eax
	mov	digits(%eax), %al
	outb	%al, %dx
	loop	5b
	mov	$'\n', %al
	outb	%al, %dx
6:	hlt
	jmp	6b

digits:
	.ascii	"0123456789abcdef"

	.bss
	.balign	4096
directory:
	.skip	4096
pages:
	.skip	4096 * TABLES
	.skip	65536
	.balign	16
stack_top:
